package main

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// metaHTTP is the key under which a member's record tells where its page is.
const metaHTTP = "http"

// cluster is what the page needs of the node: a [clusterd.Node] does.
type cluster interface {
	Self() clusterd.Member
	View() clusterd.View
	Events(ctx context.Context) iter.Seq[clusterd.Event]
	Ready(ctx context.Context) error
}

// clusterState is what GET /members answers, and the first event of GET /events.
type clusterState struct {
	Self      string        `json:"self"`      // address of the node that answers
	ClusterID string        `json:"clusterId"` // "" before it has joined
	Leader    string        `json:"leader"`    // address; "" while unknown
	Converged bool          `json:"converged"`
	Members   []memberState `json:"members"` // by address; no removed ones; empty before it has joined
}

// memberState is one member as the answering node sees it.
type memberState struct {
	Address   string            `json:"address"`
	UID       string            `json:"uid"` // lower-case hexadecimal
	Status    string            `json:"status"`
	Reachable bool              `json:"reachable"`
	UpNumber  uint64            `json:"upNumber"` // 0 until up; lower is older
	Roles     []string          `json:"roles"`
	Zone      string            `json:"zone"`
	Meta      map[string]string `json:"meta"`
}

func stateOf(c cluster) clusterState {
	v := c.View()
	s := clusterState{
		Self: c.Self().Address, ClusterID: v.ClusterID, Leader: v.Leader, Converged: v.Converged,
		Members: []memberState{},
	}
	if v.ClusterID == "" { // not joined: what it has heard of others is no membership
		s.Leader, s.Converged = "", false
		return s
	}
	for _, m := range v.Members {
		if m.Status != member.Removed {
			s.Members = append(s.Members, memberOf(m))
		}
	}
	slices.SortFunc(s.Members, func(a, b memberState) int { return member.CompareAddress(a.Address, b.Address) })
	return s
}

func memberOf(m clusterd.Member) memberState {
	s := memberState{
		Address: m.Address, UID: strconv.FormatUint(m.UID, 16),
		Status: m.Status.String(), Reachable: m.Reachable, UpNumber: m.UpNumber,
		Roles: append([]string{}, m.Info.Roles...), Zone: m.Info.Zone,
		Meta: make(map[string]string, len(m.Info.Meta)),
	}
	for _, p := range m.Info.Meta {
		s.Meta[p.Key] = p.Value
	}
	return s
}
