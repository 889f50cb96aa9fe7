package main

import (
	"context"
	"sync"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

// hub starts the sessions of one node, and makes them join their rooms again
// when the cluster has changed: a room may have moved, or died with its node.
type hub struct {
	node *clusterd.Node

	mu       sync.Mutex
	sessions map[string]actor.Ref[chatpb.Notice] // by text
}

func newHub(n *clusterd.Node) *hub {
	return &hub{node: n, sessions: map[string]actor.Ref[chatpb.Notice]{}}
}

// open starts a session of a user in a room.
func (h *hub) open(q wsQuery, send func(frame any)) (actor.Ref[chatpb.Notice], error) {
	s := &session{
		room: q.room, user: q.user, node: h.node.Self().Address, resume: q.resume,
		at:   sharding.Ref(h.node, Room, q.room),
		home: func() string { return h.home(q.room) },
		send: send,
	}
	who, err := actor.Spawn(h.node.System(), "", func() actor.Behavior[chatpb.Notice] { return s })
	if err != nil {
		return who, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[who.String()] = who
	return who, nil
}

// close stops a session and waits for its end.
func (h *hub) close(who actor.Ref[chatpb.Notice]) {
	h.mu.Lock()
	delete(h.sessions, who.String())
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	_ = actor.Stop(ctx, who) // ErrNoActor: the node ended before
}

func (h *hub) home(room string) string { return sharding.Home(h.node, Room.Name, room) }

// slots returns where the rooms are.
func (h *hub) slots() []slotRange {
	list := []slotRange{}
	for _, r := range sharding.Table(h.node, Room.Name) {
		list = append(list, slotRange{r.First, r.Last, r.Address})
	}
	return list
}

// listRooms asks the lobby.
func (h *hub) listRooms(ctx context.Context) (*chatpb.Rooms, error) {
	return actor.Ask[*chatpb.Rooms](ctx, sharding.Ref(h.node, Lobby, lobbyID).With(&chatpb.ListRooms{}))
}

// run pokes the sessions at each new view until ctx or the node ends.
func (h *hub) run(ctx context.Context) {
	for ev := range h.node.Events(ctx) {
		switch ev.(type) {
		case clusterd.ViewActive, clusterd.Snapshot:
			h.poke()
		}
	}
}

func (h *hub) poke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, who := range h.sessions {
		who.Tell(&chatpb.Beat{})
	}
}
