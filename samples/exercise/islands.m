function mpc = islands
% Invented: one network in four pieces. Buses 1-4 have a reference; 5-7 have a voltage bus, which becomes one; 8-9 have load and no
% generator; 10 is isolated. Impedances are given in ohms and converted below, as distribution cases do.
mpc.version = '2';
mpc.baseMVA = 50;
mpc.bus = [
	1	3	0	0	0	0	1	1.02	5	110	1	1.1	0.9
	2	1	18	6	0	0	1	1	0	110	1	1.1	0.9
	3	1	12	3	0	4	1	1	0	110	1	1.1	0.9
	4	2	5	1	0	0	1	1	0	110	1	1.1	0.9
	5	2	0	0	0	0	2	1.01	-3	110	1	1.1	0.9
	6	1	9	2	0	0	2	1	0	110	1	1.1	0.9
	7	1	7	2	0	0	2	1	0	110	1	1.1	0.9
	8	1	4	1	0	0	3	1	0	110	1	1.1	0.9
	9	1	3	1	0	0	3	1	0	110	1	1.1	0.9
	10	4	2	1	0	0	3	1	0	110	1	1.1	0.9
];
mpc.gen = [
	1	20	0	40	-40	1.02	50	1	60	0
	4	16	0	10	-10	1.015	50	1	20	0
	5	16	0	20	-20	1.01	50	1	40	0
	10	1	0	20	-20	1.01	50	1	40	0
];
mpc.branch = [
	1	2	4.1	14.2	3.4	60	0	0	0	0	1	-360	360
	2	3	3.8	12.9	3.1	60	0	0	0	0	1	-360	360
	3	4	3.1	11.0	2.6	60	0	0	0	0	1	-360	360
	4	1	5.2	17.6	4.2	60	0	0	0	0	1	-360	360
	5	6	2.9	10.1	2.4	60	0	0	0	0	1	-360	360
	6	7	2.5	9.3	2.2	60	0	0	0	0	1	-360	360
	8	9	2.2	8.0	1.9	60	0	0	0	0	1	-360	360
	9	10	2.2	8.0	1.9	60	0	0	0	0	1	-360	360
	4	5	2.2	8.0	1.9	60	0	0	0	0	0	-360	360	% the tie that is open
];

%% convert branch impedances from ohms to p.u., charging from microsiemens to p.u.
[PQ, PV, REF, NONE, BUS_I, BUS_TYPE, PD, QD, GS, BS, BUS_AREA, VM, ...
    VA, BASE_KV, ZONE, VMAX, VMIN] = idx_bus;
[F_BUS, T_BUS, BR_R, BR_X, BR_B] = idx_brch;
Vbase = mpc.bus(1, BASE_KV) * 1e3;      % volts
Sbase = mpc.baseMVA * 1e6;              % volt-amperes
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);
mpc.branch(:, BR_B) = mpc.branch(:, BR_B) * 1e-6 * (Vbase^2 / Sbase);
