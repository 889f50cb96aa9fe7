package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// With -proxy, commands about all keys are about those of all nodes. Each node has an
// actor that tells which slots may have keys. It tells too many rather than too few,
// copies and slots that have just left among them: whoever asks then turns to each
// slot itself, which knows, wherever it is by then. So a slot that moves meanwhile is
// not missed.

// surveyName is the actor's name on each node.
const surveyName = "kv.survey"

// surveyTime bounds the wait for one node.
const surveyTime = 2 * time.Second

// survey starts the actor of this node. It ends with the node.
func survey(n *clusterd.Node, b backend) error {
	_, err := actor.Spawn(n.System(), surveyName, actor.Func(func(c *actor.Context[*kvpb.Survey], m *kvpb.Survey) error {
		seen := &kvpb.Surveyed{}
		for slot := m.GetFirst(); slot < slots.Count && len(seen.Slots) < int(m.GetMost()); slot++ {
			if b.mayHave(uint16(slot)) {
				seen.Slots = append(seen.Slots, slot)
			}
		}
		if m.GetMost() == 0 {
			for _, f := range b.filled() {
				seen.Keys += f.keys
			}
		}
		c.Reply(seen)
		return nil
	}))
	n.Expose(surveyName)
	return err
}

// surveyAll asks all nodes. One that has slots and does not answer is a fault: what
// the others know would not be all.
func (s *server) surveyAll(m *kvpb.Survey) (all []*kvpb.Surveyed, fault string) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, p := range s.backend.table().places {
		wait.Go(func() {
			to := actor.RefOf[*kvpb.Survey](s.sys, &pa.PID{Address: p.address, Id: surveyName})
			seen, err := actor.Ask[*kvpb.Surveyed](context.Background(), to.With(m).Within(surveyTime))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				all = append(all, seen)
			case len(p.spans) > 0:
				fault = errNotCovered
			}
		})
	}
	wait.Wait()
	return all, fault
}

// filled lists the slots from first on that have keys: those of this node, or, with
// -proxy, up to most of the whole cluster's, some of which may be empty; those have no
// number of keys.
func (s *server) filled(first uint16, most int) (list []filled, fault string) {
	if !s.proxy {
		list = s.backend.filled()
		at, _ := slices.BinarySearchFunc(list, first, func(f filled, slot uint16) int { return int(f.slot) - int(slot) })
		return list[at:], ""
	}
	most = min(most, slots.Count)
	all, fault := s.surveyAll(&kvpb.Survey{First: uint32(first), Most: uint32(most)})
	found := map[uint32]bool{}
	for _, seen := range all {
		for _, slot := range seen.GetSlots() {
			found[slot] = true
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(found)) {
		if len(list) < most && slot < slots.Count {
			list = append(list, filled{slot: uint16(slot)})
		}
	}
	return list, fault
}

// count is how many keys this node has, or, with -proxy, all nodes.
func (s *server) count() (n int64, fault string) {
	if !s.proxy {
		for _, f := range s.backend.filled() {
			n += f.keys
		}
		return n, ""
	}
	all, fault := s.surveyAll(&kvpb.Survey{})
	for _, seen := range all {
		n += seen.GetKeys()
	}
	return n, fault
}
