#!/usr/bin/env bash
# Records the demo's logs from real programs on loopback: a resolver (dnsmasq) and a web server (nginx) that a few "workstations"
# (127.0.0.11 to 127.0.0.14) use. One of them looks up and visits the made-up names of a phishing campaign. Nothing leaves this machine: every
# name ends in .example (RFC 2606) and is answered by dnsmasq itself.
#
#   samples/record.sh            # writes samples/dns.log and samples/web.ndjson
#
# Needs Debian's dnsmasq-base, nginx-light, bind9-dnsutils, curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
dns_port=5391 web_port=8391
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

dnsmasq --keep-in-foreground --no-hosts --no-resolv --port=$dns_port --listen-address=127.0.0.1 --bind-interfaces --log-queries=extra \
  --log-facility="$work/dns.log" --address=/example/127.0.0.1 --user="$(id -un)" &

mkdir -p "$work/www" && echo ok > "$work/www/index.html"
cat > "$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log;
events {}
http {
  log_format json escape=json '{"time":"\$time_iso8601","src_ip":"\$remote_addr","host":"\$host","method":"\$request_method","uri":"\$request_uri",'
    '"url":"http://\$host\$request_uri","status":\$status,"bytes":\$body_bytes_sent,"user_agent":"\$http_user_agent","referrer":"\$http_referer"}';
  access_log $work/web.ndjson json;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
  server { listen 127.0.0.1:$web_port; root $work/www; location / { try_files /index.html =404; } }
}
CONF
nginx -p "$work" -c "$work/nginx.conf" &
for _ in $(seq 50); do [ -s "$work/nginx.pid" ] && dig +short +tries=1 +time=1 @127.0.0.1 -p $dns_port ready.example >/dev/null 2>&1 && break; sleep 0.1; done

visit() {  # workstation, host, path, user agent
  dig +short -b "$1" @127.0.0.1 -p $dns_port "$2" A >/dev/null
  curl -s -o /dev/null --interface "$1" -A "$4" -H "Host: $2" "http://127.0.0.1:$web_port$3"
}
browser="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
sites=(www.energy-regulator.example news.vilnius.example mail.ministry.example intranet.grid-operator.example cdn.fonts.example packages.mirror.example)
for round in 1 2 3 4 5; do
  for n in 11 12 13 14; do
    visit 127.0.0.$n "${sites[$(((round * 3 + n) % 6))]}" "/page/$round" "$browser"
  done
done
visit 127.0.0.13 mail.ministry.example "/inbox" "$browser"
visit 127.0.0.13 login.kurier-post.example "/track?id=LT4471" "$browser"
visit 127.0.0.13 login.kurier-post.example "/invoice/LT4471.zip" "$browser"
visit 127.0.0.13 cdn.kurier-update.example "/a/stage2.bin" "WinHTTP/5.1"
for n in 11 12 14; do visit 127.0.0.$n "${sites[$((n % 6))]}" "/late" "$browser"; done
sleep 0.3
grep -v ready.example "$work/dns.log" | grep -E ' (query\[|reply|config )' > "$here/dns.log"
cp "$work/web.ndjson" "$here/web.ndjson"
wc -l "$here/dns.log" "$here/web.ndjson"
