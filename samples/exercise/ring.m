function mpc = ring
% Invented: seven buses with everything that a branch can be (line with charging, parallel circuit, transformer with a ratio,
% phase shifter), a shunt, several generators at a bus, one out of service, and reactive limits that bind.
mpc.version = '2';
mpc.baseMVA = 100;

%	bus_i	type	Pd	Qd	Gs	Bs	area	Vm	Va	baseKV	zone	Vmax	Vmin
mpc.bus = [
	10	3	0	0	0	0	1	1	0	330	1	1.1	0.9;
	20	2	40	10	0	0	1	1	0	330	1	1.1	0.9;
	30	1	90	35	1.5	0	1	1	0	330	1	1.1	0.9;
	40	1	60	20	0	25	1	1	0	110	1	1.1	0.9;
	50	1	75	30	0	0	1	1	0	110	1	1.1	0.9;
	60	2	20	5	0	0	1	1	0	110	1	1.1	0.9;
	70	1	15	6	0	0	1	1	0	110	1	1.1	0.9;
];

%	bus	Pg	Qg	Qmax	Qmin	Vg	mBase	status	Pmax	Pmin
mpc.gen = [
	10	80	0	150	-60	1.03	100	1	300	0;
	20	70	0	40	-20	1.02	100	1	120	10;
	20	50	0	30	-30	1.02	100	1	80	10;
	20	90	0	50	-50	1.04	100	0	120	10;
	60	35	0	2	-10	1.025	100	1	60	5;
];

%	fbus	tbus	r	x	b	rateA	rateB	rateC	ratio	angle	status	angmin	angmax
mpc.branch = [
	10	20	0.008	0.062	0.11	160	0	0	0	0	1	-360	360;
	20	30	0.006	0.048	0.09	160	0	0	0	0	1	-360	360;
	20	30	0.007	0.052	0.085	160	0	0	0	0	1	-360	360;
	10	30	0.011	0.085	0.14	120	0	0	0	2.5	1	-360	360;	% phase shifter
	30	40	0.002	0.055	0	150	0	0	0.975	0	1	-360	360;
	20	50	0.0025	0.06	0	150	0	0	1.03	-1.2	1	-360	360;
	40	50	0.03	0.09	0.018	80	0	0	0	0	1	-360	360;
	40	60	0.025	0.08	0.016	80	0	0	0	0	1	-360	360;
	50	60	0.028	0.085	0.017	80	0	0	0	0	0	-360	360;	% open
	50	70	0.04	0.12	0.012	40	0	0	0	0	1	-360	360;
];
mpc.bus_name = {
	'North';
	'Harbour';
	'City';
	'City South';
	'Mill';
	'Weir';
	'Farm';
};
