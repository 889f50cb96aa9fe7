package durable

import (
	"context"
	crand "crypto/rand"
	"sync"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// shell runs the shards of this node on one goroutine.
type shell struct {
	svc  *service
	id   [8]byte
	host bool

	mu    sync.Mutex
	items []any
	ready chan struct{}
	quit  chan struct{}
	done  chan struct{}

	shards []shardState // owned by the goroutine but for what says otherwise
}

type shardState struct {
	rep  *replica
	home *home
}

type (
	packet struct {
		from    member.Node
		payload []byte
	}
	leaving  struct{}
	removed  struct{}
	proposal struct {
		shard    int
		run, seq uint64
		level    Level
		data     []byte
	}
)

func newShell(svc *service, host bool) (*shell, error) {
	sh := &shell{svc: svc, host: host, ready: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	crand.Read(sh.id[:])
	if host {
		span := slots.Count / svc.cfg.Shards
		for i := range svc.cfg.Shards {
			rep := newReplica(uint16(i*span), span)
			h, err := newHome(svc, i, rep)
			if err != nil {
				return nil, err
			}
			sh.shards = append(sh.shards, shardState{rep, h})
			h.tell(func(n *news) { n.roles, n.run = append(n.roles, 1), 1 })
			svc.router.lead(i, svc.address, h)
		}
	}
	go sh.loop()
	return sh, nil
}

func (sh *shell) mayServe(int) bool { return true }

func (sh *shell) put(item any) {
	sh.mu.Lock()
	sh.items = append(sh.items, item)
	sh.mu.Unlock()
	select {
	case sh.ready <- struct{}{}:
	default:
	}
}

func (sh *shell) propose(shard int, run, seq uint64, level Level, data []byte) {
	sh.put(proposal{shard, run, seq, level, data})
}

func (sh *shell) loop() {
	defer close(sh.done)
	for {
		select {
		case <-sh.quit:
			return
		case <-sh.ready:
		}
		sh.mu.Lock()
		items := sh.items
		sh.items = nil
		sh.mu.Unlock()
		for _, item := range items {
			sh.step(item)
		}
	}
}

func (sh *shell) step(item any) {
	switch in := item.(type) {
	case proposal:
		s := &sh.shards[in.shard]
		if _, _, ok, err := s.rep.apply(in.data); err != nil || !ok {
			sh.svc.log.Error("command not applied", "error", err)
			return
		}
		s.home.tell(func(n *news) { n.quorum, n.all = in.seq, in.seq })
	case leaving:
		sh.svc.node.Drained(serviceName)
	}
}

func (sh *shell) stop(ctx context.Context) error {
	close(sh.quit)
	<-sh.done
	return nil
}

func (sh *shell) replica(shard int) *replica {
	if !sh.host {
		return nil
	}
	return sh.shards[shard].rep
}

func (sh *shell) row(shard int) Row {
	span := slots.Count / sh.svc.cfg.Shards
	return Row{
		Shard: shard, First: uint16(shard * span), Last: uint16((shard+1)*span - 1), Epoch: 1,
		Primary: sh.svc.address,
	}
}

func (sh *shell) table() []Row {
	rows := make([]Row, sh.svc.cfg.Shards)
	for i := range rows {
		rows[i] = sh.row(i)
	}
	return rows
}

func (sh *shell) transfer(context.Context, int, string) error { return nil }
