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
 *
 * With -DSTOPS, a reader may be stopped at any time: its tail ends, and it may not open it again.
 *
 * With -DNARROW, A does not withdraw the object for good, but narrows what B may have, and widens it again at any later time, or never: the
 * same version is released anew, by a later decision. A release says how many tombstones there were for its reader when it was decided; a
 * tombstone by narrowing wins over what was decided before it, and over nothing else (docs/decisions/0008).
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

#ifdef NARROW
bool issued[EDGES];   /* giver: there is a tombstone for this reader (its number is 1) */
bool again[NODES];    /* a second row, by a later decision (A), or for a copy that came anew (B) */
bool later[NODES];    /* reader: the giver said that the copy may be had after tombstone 1 */
bool cursor2[EDGES];  /* reader: it has read beyond the second row */
#endif

/* In the giver's memory. */
bool sent[EDGES];     /* the row was handed out */
bool exact[EDGES];    /* the reader came since the start: what `sent` says is all there was */
bool unsettled[EDGES];/* recalled while not exact: the reader's cursor will tell (on the disk, with the order) */
bool linked[EDGES];   /* the reader's tail is open */
bool stopped[EDGES];  /* and never will be again (-DSTOPS) */

/* The network. */
bool rel[EDGES], tom[EDGES], rec[EDGES], forged;
#ifdef NARROW
bool rel2[EDGES], rel2_number[EDGES];  /* a release of the second row, and how many tombstones there were when it was handed out */
bool widened;                          /* for the properties alone */
#endif

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
    fi;
#ifdef NARROW
    if
    :: giver[i] == n && (order[i] || unsettled[i]) -> issued[i] = true
    :: else
    fi
#endif
  }
  i = 0
}

/* The giver sees the reader's cursor. What was under way on its tail before is read or lost by then. */
inline settle(edge) {
#ifdef MARK_FOLLOWS_CURSOR       /* broken: believe a cursor that was reset */
  sent[edge] = cursor[edge];
#else
  if
  :: cursor[edge] && !withdrawn[giver[edge]] -> sent[edge] = true
#ifndef FORGETS                  /* broken without: what was handed out just before a crash is not asked about */
  :: cursor[edge] && unsettled[edge] -> sent[edge] = true; order[edge] = true
#endif
  :: else
  fi;
#endif
  unsettled[edge] = false;
  exact[edge] = true
}

/* The reader opens its tail with the cursor that it has. */
inline open(e) {
  rel[e] = false;
#ifdef NARROW
  rel2[e] = false;
#endif
  linked[e] = true;
  settle(e)
}

#ifdef STOPS
/* It may not open it any more, and shows the cursor when it asks what it is to destroy: a cursor that rests, asked for by the
 * process that sees it. */
inline tells(e) {
#ifndef SHOWS_EARLY              /* broken without: a cursor of before, while something is still under way */
  rel[e] = false;
#endif
  settle(e)
}
#endif

/* Pulls rows for the reader of an edge, for as long as there are any. */
proctype Tail(byte e) {
  do
  :: atomic { !linked[e] && !stopped[e] -> open(e) }
#ifdef STOPS
  :: atomic { !stopped[e] -> stopped[e] = true; linked[e] = false }
  :: atomic { crashes < CRASHES && stopped[e] -> crashes++; sent[e] = mark[e]; exact[e] = false }
#ifndef SHOWS_NOTHING            /* broken without: whoever cannot open its tail is never told */
  :: atomic { stopped[e] && !exact[e] -> tells(e) }
#endif
#endif
  :: atomic { linked[e] && has[giver[e]] && !withdrawn[giver[e]] && !cursor[e] && !rel[e] ->
#ifdef UNLOCKED_PULL             /* broken: the snapshot is read, and what was handed out noted, in two steps */
       skip } ; atomic {
#endif
       sent[e] = true; rel[e] = true; left[e] = true }
#ifdef NARROW
  :: atomic { linked[e] && has[giver[e]] && again[giver[e]] && !cursor2[e] && !rel2[e] ->
       rel2[e] = true; rel2_number[e] = issued[e]; left[e] = true }
#endif
  :: atomic { sent[e] && !mark[e] -> mark[e] = true }                /* written down some time later */
  :: atomic { crashes < CRASHES && linked[e] ->                      /* the giver starts anew */
       crashes++; sent[e] = mark[e]; exact[e] = false; linked[e] = false }
  :: atomic { resets < RESETS && cursor[e] -> resets++; cursor[e] = false; linked[e] = false
#ifdef NARROW
       ; cursor2[e] = false
#endif
     }
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

#ifdef NARROW
/* Those of the second row, by themselves: what comes again and again shall not hold up what comes once. */
proctype AdmitAgain(byte e) {
  do
  :: atomic { rel2[e] ->
       if
#ifdef NARROWED_FOR_EVER         /* broken: what was narrowed never comes again */
       :: tomb[reader[e]] -> skip
#else
       :: tomb[reader[e]] && !rel2_number[e] -> skip
#endif
       :: else ->
            if
            :: !has[reader[e]] -> has[reader[e]] = true; again[reader[e]] = true
            :: else                                                   /* it is here: the giver says that it may stay */
            fi;
#ifndef FORGETS_LATER            /* broken without: the tombstone takes a copy that was decided after it */
            later[reader[e]] = rel2_number[e]
#endif
       fi;
       cursor[e] = true; cursor2[e] = true;
       if
       :: rel2[e] = false
       :: skip
       fi }
  :: atomic { rel2[e] && losses < LOSSES -> losses++; rel2[e] = false; linked[e] = false }
  od
}
#endif

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
#elif defined(NARROW)
       if
       :: later[reader[e]] -> tomb[reader[e]] = true; acked[reader[e]] = true
       :: else -> has[reader[e]] = false; tomb[reader[e]] = true; acked[reader[e]] = true; withdraw(reader[e])
       fi;
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
  atomic { recalled = true;
#ifndef NARROW
    tomb[A] = true;
#endif
    withdraw(A) }
#ifdef NARROW
  if
  :: atomic { again[A] = true; widened = true }
  :: skip                                                            /* or never */
  fi
#endif
}

proctype Liar() { atomic { forged = true } }

/* Never a copy where destruction was told; never one taken by a stranger's word. */
proctype Watch() {
  do
#ifdef NARROW
  :: atomic { (acked[B] && has[B] && !later[B]) || (acked[C] && has[C] && !later[C]) -> assert(false) }
#else
  :: atomic { (acked[B] && has[B]) || (acked[C] && has[C]) -> assert(false) }
#endif
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
    run Recall();
#ifdef NARROW
    run AdmitAgain(0); run AdmitAgain(1);
#else
    run Liar();
#endif
#ifdef SAFETY
    run Watch()
#endif
  }
}

#define copies (has[B] || has[C])
#define receipts ((!got[0] || receipt[0]) && (!got[1] || receipt[1]))

#ifdef NARROW
/* What was narrowed survives at no member that can be reached, and returns to none, unless a later decision gives it. */
ltl gone { [] (recalled -> <> (([] !copies) || widened)) }
/* And then it comes, and no tombstone that was decided before takes it. */
ltl back { [] (widened -> <> [] (has[B] && has[C])) }
#else
/* A recalled object survives at no member that can be reached, and returns to none. */
ltl gone { [] (recalled -> <> [] !copies) }
#endif
/* Everybody whom it reached says in the end that it is destroyed. */
ltl answered { [] (recalled -> <> [] receipts) }
