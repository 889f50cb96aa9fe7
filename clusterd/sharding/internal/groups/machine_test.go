package groups

import (
	"testing"
	"time"
)

// single is a node without peers whose writes are durable at once.
type single struct {
	t   *testing.T
	m   *Machine
	now time.Time
	rd  Ready // everything so far
}

func newSingle(t *testing.T, cfg Config) *single {
	t.Helper()
	m, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &single{t: t, m: m, now: time.Unix(1000, 0)}
}

func (s *single) step(in Input) {
	s.t.Helper()
	if err := s.m.Step(s.now, in); err != nil {
		s.t.Fatalf("step %T: %v", in, err)
	}
	s.settle()
}

func (s *single) settle() {
	s.t.Helper()
	for range 100 {
		rd := s.m.Ready()
		s.rd.Applies = append(s.rd.Applies, rd.Applies...)
		s.rd.Acks = append(s.rd.Acks, rd.Acks...)
		s.rd.Roles = append(s.rd.Roles, rd.Roles...)
		s.rd.Rows = append(s.rd.Rows, rd.Rows...)
		if rd.Batch == 0 {
			return
		}
		if err := s.m.Step(s.now, Persisted{Batch: rd.Batch}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("never settles")
}

func TestGroupOfOne(t *testing.T) {
	s := newSingle(t, Config{Self: 1, Boot: 1, Shards: 4})
	s.step(Create{Shard: 2, Group: 1, Members: []uint64{1}})
	if !s.m.CanServe(2, s.now) {
		t.Fatal("the only member does not serve")
	}
	s.step(Propose{Shard: 2, ID: 9, Level: Quorum, Data: []byte("x=1")})
	if len(s.rd.Applies) != 1 || string(s.rd.Applies[0].Data) != "x=1" || s.rd.Applies[0].ID != 9 {
		t.Errorf("applied %+v, want x=1 of proposal 9", s.rd.Applies)
	}
	if len(s.rd.Acks) != 1 || s.rd.Acks[0].ID != 9 || s.rd.Acks[0].Result != Done {
		t.Errorf("acks %+v, want proposal 9 done", s.rd.Acks)
	}
	if err := s.m.Step(s.now, Create{Shard: 2, Group: 2, Members: []uint64{1}}); err != ErrExists {
		t.Errorf("creation over data: got %v, want %v", err, ErrExists)
	}
}
