package main

import (
	"context"
	"iter"
	"sync"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// fakeCluster is a node as the page sees it. Events are what is sent.
type fakeCluster struct {
	mu     sync.Mutex
	self   clusterd.Member
	view   clusterd.View
	ready  error
	events chan clusterd.Event
}

func (f *fakeCluster) Self() clusterd.Member { return f.self }

func (f *fakeCluster) View() clusterd.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view
}

func (f *fakeCluster) set(v clusterd.View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view = v
}

func (f *fakeCluster) Ready(context.Context) error { return f.ready }

func (f *fakeCluster) Events(ctx context.Context) iter.Seq[clusterd.Event] {
	return func(yield func(clusterd.Event) bool) {
		for {
			select {
			case ev, ok := <-f.events:
				if !ok || !yield(ev) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// upMember is a member with a page.
func upMember(address, page string, number uint64) clusterd.Member {
	return clusterd.Member{
		Node:   member.Node{Address: address, UID: 0xAB00 + number},
		Status: member.Up, Reachable: true, UpNumber: number,
		Info: member.Info{Meta: []member.Pair{{Key: metaHTTP, Value: page}}},
	}
}

// twoUp is a cluster of two as the first one sees it.
func twoUp() *fakeCluster {
	a, b := upMember("127.0.0.1:7001", "127.0.0.1:8081", 1), upMember("127.0.0.1:7002", "127.0.0.1:8082", 2)
	b.Info.Roles, b.Info.Zone = []string{"front"}, "west"
	return &fakeCluster{
		self:   a,
		view:   clusterd.View{ClusterID: "0190", Leader: a.Address, Converged: true, Members: []clusterd.Member{a, b}},
		events: make(chan clusterd.Event),
	}
}
