function mpc = collapse
% Invented: a long line asked for more than it can carry, though the generator could give it. There is no operating point.
mpc.version = '2';
mpc.baseMVA = 100;
mpc.bus = [
	1	3	0	0	0	0	1	1	0	330	1	1.1	0.9;
	2	1	0	0	0	0	1	1	0	330	1	1.1	0.9;
	3	1	260	80	0	0	1	1	0	330	1	1.1	0.9;
];
mpc.gen = [
	1	260	0	400	-400	1	100	1	600	0;
];
mpc.branch = [
	1	2	0.02	0.15	0.2	0	0	0	0	0	1	-360	360;
	2	3	0.02	0.15	0.2	0	0	0	0	0	1	-360	360;
];
