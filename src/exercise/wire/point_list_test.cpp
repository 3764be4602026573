#include "exercise/wire/point_list.h"

#include <gtest/gtest.h>

namespace bongsu::exercise::wire {
namespace {

TEST(PointLists, EveryColumnIsRead) {
  const auto list = read_point_list(
      "\xEF\xBB\xBF# of a substation\r\n"
      "name,kind,unit,value,ioa,command,select,deadband,cyclic_s,group,modbus,format,scale,min,max,operate_ms\r\n"
      "cb1,double,,2,100,1100,yes,,,1,coil:0,,,,,500\r\n"
      "\r\n"
      "\"u1\",real,\"kV, line\",112.4,200,,,0.5,10,2,holding:7,f32_swapped,10,0,120,\r\n"
      "plain,single\n",
      "list.csv");
  ASSERT_TRUE(list) << list.error().text();
  ASSERT_EQ(list->size(), 3u);
  const PointRow &cb1 = (*list)[0], &u1 = (*list)[1];
  EXPECT_EQ(cb1.point.kind, PointKind::kDouble);
  EXPECT_EQ(cb1.point.value, 2);
  EXPECT_EQ(cb1.iec104->command, 1100u);
  EXPECT_TRUE(cb1.iec104->select);
  EXPECT_EQ(cb1.modbus->table, Table::kCoil);
  EXPECT_EQ(cb1.operate.count(), 500);
  EXPECT_EQ(u1.point.unit, "kV, line");
  EXPECT_EQ(u1.deadband, 0.5);
  EXPECT_EQ(u1.iec104->cyclic.count(), 10);
  EXPECT_EQ(u1.iec104->group, 2);
  EXPECT_EQ(u1.modbus->address, 7);
  EXPECT_TRUE(u1.modbus->swapped);
  EXPECT_EQ(u1.modbus->scale, 10);
  EXPECT_EQ(u1.max, 120);
  EXPECT_FALSE((*list)[2].iec104);
  EXPECT_EQ((*list)[2].point.value, 0);
}

TEST(PointLists, MistakesAreNamedWithLineAndColumn) {
  const std::pair<const char*, const char*> table[] = {
      {"", "there is no line that names the columns"},
      {"name,kind,colour\n", "l:1: colour: \"colour\" is not a column"},
      {"name,kind,name\n", "l:1: name: the column is there twice"},
      {"name,value\n", "l:1: kind: the column is missing"},
      {"name,kind\na,single,3\n", "l:2: 3 cells, and 2 columns"},
      {"name,kind\n# c\n\na b,single\n", "l:4: name: a name is 1 to 128"},
      {"name,kind\na,many\n", "l:2: kind: \"many\" is not single"},
      {"name,kind\na,single\na,single\n", "l:3: name: a is there twice"},
      {"name,kind,value\na,single,2\n", "l:2: value: a single can't be 2"},
      {"name,kind,value\na,real,nan\n", "l:2: value: \"nan\" is not a number"},
      {"name,kind,value\na,real,1x\n", "l:2: value: \"1x\" is not a number"},
      {"name,kind,ioa\na,real,0\n", "l:2: ioa: 0 is not from 1 to 16777215"},
      {"name,kind,ioa\na,real,1.5\n", "l:2: ioa: 1.5 is not a whole number"},
      {"name,kind,ioa\na,real,7\nb,real,7\n", "l:3: ioa: 7 is another point's"},
      {"name,kind,command\na,real,7\n", "l:2: command: there is no ioa"},
      {"name,kind,ioa,command\na,counter,7,8\n", "l:2: command: counters take no commands"},
      {"name,kind,ioa,select\na,real,7,yes\n", "l:2: select: there is no command to select"},
      {"name,kind,ioa,select\na,real,7,perhaps\n", "l:2: select: \"perhaps\" is not yes or no"},
      {"name,kind,ioa,group\na,real,7,17\n", "l:2: group: 17 is not from 1 to 16"},
      {"name,kind,ioa,group\na,counter,7,5\n", "l:2: group: 5 is not from 1 to 4"},
      {"name,kind,modbus\na,real,coil:1\n", "l:2: modbus: a real is more than one bit"},
      {"name,kind,modbus\na,real,memory:1\n", "l:2: modbus: \"memory:1\" is not coil:N"},
      {"name,kind,modbus\na,real,input:65536\n", "l:2: modbus: the address is 0 to 65535"},
      {"name,kind,modbus\na,real,input:65535\n", "l:2: modbus: the second register is beyond 65535"},
      {"name,kind,modbus\na,real,input:4\nb,real,input:5\n", "l:3: modbus: input:5 is another point's"},
      {"name,kind,modbus,format\na,real,input:4,f64\n", "l:2: format: \"f64\" is not u16"},
      {"name,kind,modbus,format\na,real,input:4,_swapped\n", ""},
      {"name,kind,modbus,format\na,real,input:4,u16_swapped\n", "l:2: format: one register has no halves"},
      {"name,kind,scale\na,real,2\n", "l:2: scale: there is no Modbus address"},
      {"name,kind,modbus,scale\na,real,input:4,0\n", "l:2: scale: 0 loses the value"},
      {"name,kind,min,max\na,real,4,3\n", "l:2: max: max is less than min"},
      {"name,kind\n\"a,single\n", "l:2: a quoted cell isn't closed"},
      {"name,kind\na\"b,single\n", "l:2: a quote within a cell"},
      {"name,kind\n\"a\"b,single\n", "l:2: a quote within a cell"},
  };
  for (const auto& [text, expected] : table) {
    const auto list = read_point_list(text, "l");
    if (*expected == '\0') {
      EXPECT_TRUE(list) << text;
      continue;
    }
    ASSERT_FALSE(list) << text;
    EXPECT_NE(list.error().text().find(expected), std::string::npos) << list.error().text();
  }
}

}  // namespace
}  // namespace bongsu::exercise::wire
