package clustertest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/sharding"
)

// ledger notes the beginnings of all messages of some entities, wherever they
// run, in the order of one outside clock: that of its mutex. An entity that runs
// in two places shows as two runs whose beginnings alternate.
type ledger struct {
	kind actor.Kind[*wrapperspb.StringValue]

	mu     sync.Mutex
	runs   int
	last   map[string]int // by id: the run that began last
	begun  int
	faults []string
}

func newLedger() *ledger {
	l := &ledger{last: map[string]int{}}
	l.kind = actor.NewKind("entry", func(id string) actor.Behavior[*wrapperspb.StringValue] {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.runs++
		return &entry{l, id, l.runs}
	})
	return l
}

// entry is one run of an entity.
type entry struct {
	ledger *ledger
	id     string
	run    int
}

func (e *entry) Receive(c *actor.Context[*wrapperspb.StringValue], m *wrapperspb.StringValue) error {
	e.ledger.begin(e.id, e.run, c.System().UID())
	c.Reply(m)
	return nil
}

func (l *ledger) begin(id string, run int, uid uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	if last := l.last[id]; run < last {
		l.faults = append(l.faults, fmt.Sprintf("%v: run %d of %s began a message on %x after run %d had", time.Now().Format("05.000"), run, id, uid, last))
	}
	l.last[id] = max(run, l.last[id])
}

// count returns how many messages have begun.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}

// check fails the test if any entity ran in two places.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		t.Error(f)
	}
	l.faults = nil
}

// entities is how many there are.
const entities = 16

// feed has every running node talk to every entity, four times a second, for a
// while.
func (l *ledger) feed(k *clustertest.Kit, nodes []int, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		for _, i := range nodes {
			for e := range entities {
				sharding.Ref(k.Node(i), l.kind, fmt.Sprint("entry", e)).Tell(wrapperspb.String("tick"))
			}
		}
	}
}

// answers fails the test unless every entity answers node i.
func (l *ledger) answers(k *clustertest.Kit, i int) {
	k.T.Helper()
	for e := range entities {
		ctx, cancel := context.WithTimeout(k.T.Context(), 30*time.Second)
		ref := sharding.Ref(k.Node(i), l.kind, fmt.Sprint("entry", e))
		if _, err := actor.Ask[*wrapperspb.StringValue](ctx, ref.With(wrapperspb.String("there?"))); err != nil {
			k.T.Errorf("entity %d does not answer node %d: %v", e, i, err)
		}
		cancel()
	}
}
