/* The recall protocol (docs/models/README.md says what is modelled, what is not, and what each -D breaks).
 *
 *   spin -a recall.pml && cc -O2 -DSAFETY … -o pan pan.c && ./pan          the asserts
 *   spin -a recall.pml && cc -O2 -DNFAIR=4 … -o pan pan.c && ./pan -a -f -N gone     one of the formulas below
 *
 * One object. A made it; B may read what A offers, and pass it on to C. Either may read it early, late, or never before it is recalled.
 *
 *   edge 0: A → B      edge 1: B → C
 *
 * The network is a bag: what lies in it may be taken out late, in any order, twice, or never (as often as LOSSES).
 */

#define A 0
#define B 1
#define C 2
#define NODES 3
#define EDGES 2

#ifndef LOSSES
#define LOSSES 1      /* how many messages the network loses */
#endif
#ifndef CRASHES
#define CRASHES 1     /* how often the giver of an edge loses what is not on its disk */
#endif
#ifndef RESETS
#define RESETS 1      /* how often a reader comes back without its cursor (an old backup) */
#endif

byte giver[EDGES];
byte reader[EDGES];

/* On each node's disk. */
bool has[NODES];          /* a readable copy */
bool tomb[NODES];         /* the tombstone: nothing of this giver's is admitted any more */
bool withdrawn[NODES];    /* the rows of its outboxes are withdrawn */
bool mark[EDGES];     /* giver: "this reader was given the row", as far as it was written down */
bool order[EDGES];    /* giver: this reader is to be told */
bool receipt[EDGES];  /* giver: it told that it destroyed its copy */
bool cursor[EDGES];   /* reader: it has read beyond the row */

/* In the giver's memory. */
bool sent[EDGES];     /* the row was handed out */
bool exact[EDGES];    /* the reader came since the start: what `sent` says is all there was */
bool unsettled[EDGES];/* recalled while not exact: the reader's cursor will tell (on the disk, with the order) */
bool linked[EDGES];   /* the reader's tail is open */

/* The network. */
bool rel[EDGES], tom[EDGES], rec[EDGES], forged;

/* For the properties alone; nobody in the protocol reads them. */
bool left[EDGES];     /* a release was put on the wire */
bool got[EDGES];      /* and arrived */
bool recalled;        /* A has recalled */
bool acked[NODES];        /* this node has told anybody that it destroyed its copy */
byte losses, crashes, resets;

inline withdraw(n) {  /* in one commit: nothing goes out any more, and who was given it is to be told */
  withdrawn[n] = true;
  for (i : 0 .. EDGES - 1) {
    if
#ifdef TELLS_EVERYBODY           /* broken: the tombstone goes to all who may read, had they read it or not */
    :: giver[i] == n -> order[i] = true
#endif
    :: giver[i] == n && sent[i] -> order[i] = true
    :: giver[i] == n && !sent[i] && !exact[i] -> unsettled[i] = true
    :: else
    fi
  }
  i = 0
}

/* The reader opens its tail with the cursor that it has. What was under way on the tail before is read or lost by then. */
inline open(e) {
  rel[e] = false;
  linked[e] = true;
#ifdef MARK_FOLLOWS_CURSOR       /* broken: believe a cursor that was reset */
  sent[e] = cursor[e];
#else
  if
  :: cursor[e] && !withdrawn[giver[e]] -> sent[e] = true
#ifndef FORGETS                  /* broken without: what was handed out just before a crash is not asked about */
  :: cursor[e] && unsettled[e] -> sent[e] = true; order[e] = true
#endif
  :: else
  fi;
#endif
  unsettled[e] = false;
  exact[e] = true
}

/* Pulls rows for the reader of an edge, for as long as there are any. */
proctype Tail(byte e) {
  do
  :: atomic { !linked[e] -> open(e) }
  :: atomic { linked[e] && has[giver[e]] && !withdrawn[giver[e]] && !cursor[e] && !rel[e] ->
#ifdef UNLOCKED_PULL             /* broken: the snapshot is read, and what was handed out noted, in two steps */
       skip } ; atomic {
#endif
       sent[e] = true; rel[e] = true; left[e] = true }
  :: atomic { sent[e] && !mark[e] -> mark[e] = true }                /* written down some time later */
  :: atomic { crashes < CRASHES && linked[e] ->                      /* the giver starts anew */
       crashes++; sent[e] = mark[e]; exact[e] = false; linked[e] = false }
  :: atomic { resets < RESETS && cursor[e] -> resets++; cursor[e] = false; linked[e] = false }
  od
}

/* Releases as they arrive. */
proctype Admit(byte e) {
  do
  :: atomic { rel[e] ->
       if
       :: tomb[reader[e]] -> 
#ifdef RELEASE_WINS              /* broken: a late release is as good as any */
            has[reader[e]] = true
#else
            skip
#endif
       :: else -> has[reader[e]] = true
       fi;
       cursor[e] = true; got[e] = true;
       if
       :: rel[e] = false
       :: skip                                                       /* once more, later */
       fi }
  :: atomic { rel[e] && losses < LOSSES -> losses++; rel[e] = false; linked[e] = false }  /* lost with its connection */
  od
}

/* The giver's side of an order: told until there is a receipt. */
proctype Order(byte e) {
  do
  :: atomic { order[e] && !receipt[e] && !tom[e] && !rec[e] ->
       tom[e] = true
#ifdef TOLD_ONCE                 /* broken: sent, and so done */
       ; order[e] = false
#endif
     }
  :: atomic { rec[e] -> rec[e] = false; receipt[e] = true }
  :: atomic { rec[e] && losses < LOSSES -> losses++; rec[e] = false }
  od
}

/* The reader's side: tombstones as they arrive. */
proctype Obey(byte e) {
  byte i;
  do
  :: atomic { tom[e] && losses < LOSSES -> losses++; tom[e] = false }
  :: atomic { tom[e] ->
       assert(left[e]);                                              /* V4: never told who was never given it */
#if defined(TWO_STEPS)           /* broken: the copy goes first, the tombstone is written down afterwards */
       has[reader[e]] = false } ; atomic {
       tomb[reader[e]] = true; acked[reader[e]] = true; withdraw(reader[e]);
#elif defined(RECEIPT_FIRST)     /* broken: answer, then do it */
       rec[e] = true; acked[reader[e]] = true } ; atomic {
       has[reader[e]] = false; tomb[reader[e]] = true; withdraw(reader[e]);
#elif defined(NOT_TRANSITIVE)    /* broken: what was passed on is somebody else's matter */
       has[reader[e]] = false; tomb[reader[e]] = true; acked[reader[e]] = true; withdrawn[reader[e]] = true;
#else
       has[reader[e]] = false; tomb[reader[e]] = true; acked[reader[e]] = true; withdraw(reader[e]);
#endif
       rec[e] = true;
       if
       :: tom[e] = false
       :: skip                                                       /* doubled: the same again, the same receipt */
       fi }
  :: atomic { e == 0 && forged ->                                    /* a stranger says that B shall destroy what A gave it */
       forged = false;
#ifdef ANYONE_RECALLS            /* broken: whoever asks is obeyed */
       has[reader[e]] = false
#else
       skip                                                          /* it names copies that the stranger gave; there are none */
#endif
     }
  od
}

/* A recalls, at any time. */
proctype Recall() {
  byte i;
  atomic { recalled = true; tomb[A] = true; withdraw(A) }
}

proctype Liar() { atomic { forged = true } }

/* Never a copy where destruction was told; never one taken by a stranger's word. */
proctype Watch() {
  do
  :: atomic { (acked[B] && has[B]) || (acked[C] && has[C]) -> assert(false) }
  :: atomic { cursor[0] && !has[B] && !recalled -> assert(false) }
  od
}

init {
  atomic {
    giver[0] = A; reader[0] = B;
    giver[1] = B; reader[1] = C;
    has[A] = true;
    run Tail(0); run Tail(1);
    run Admit(0); run Admit(1);
    run Order(0); run Order(1);
    run Obey(0); run Obey(1);
    run Recall(); run Liar();
#ifdef SAFETY
    run Watch()
#endif
  }
}

#define copies (has[B] || has[C])
#define receipts ((!got[0] || receipt[0]) && (!got[1] || receipt[1]))

/* A recalled object survives at no member that can be reached, and returns to none. */
ltl gone { [] (recalled -> <> [] !copies) }
/* Everybody whom it reached says in the end that it is destroyed. */
ltl answered { [] (recalled -> <> [] receipts) }
