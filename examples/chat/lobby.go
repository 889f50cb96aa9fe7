package main

import (
	"maps"
	"slices"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

// Lobby is the kind of the one actor that lists the rooms. What it knows is
// soft: rooms announce themselves every few seconds, so after a crash or a move
// the list is whole again in that time.
var Lobby = actor.NewKind("lobby", func(string) actor.Behavior[chatpb.LobbyCommand] { return newLobby() })

const (
	lobbyID    = "lobby"
	listedTime = 15 * time.Second // a room that is not announced for so long is empty
	listedMax  = 1000             // rooms; more are not listed
)

type lobby struct{ rooms map[string]listed }

type listed struct {
	room *chatpb.Room
	at   time.Time
}

func newLobby() *lobby { return &lobby{rooms: map[string]listed{}} }

// Receive dispatches.
func (l *lobby) Receive(c *actor.Context[chatpb.LobbyCommand], m chatpb.LobbyCommand) error {
	switch m := m.(type) {
	case *chatpb.Announce:
		l.announce(m.GetRoom(), time.Now())
	case *chatpb.ListRooms:
		c.Reply(l.list(time.Now()))
	}
	return nil
}

func (l *lobby) announce(r *chatpb.Room, now time.Time) {
	l.expire(now)
	if _, known := l.rooms[r.GetName()]; known || len(l.rooms) < listedMax {
		l.rooms[r.GetName()] = listed{room: r, at: now}
	}
}

func (l *lobby) list(now time.Time) *chatpb.Rooms {
	l.expire(now)
	rooms := &chatpb.Rooms{}
	for _, name := range slices.Sorted(maps.Keys(l.rooms)) {
		rooms.Rooms = append(rooms.Rooms, l.rooms[name].room)
	}
	return rooms
}

func (l *lobby) expire(now time.Time) {
	maps.DeleteFunc(l.rooms, func(_ string, r listed) bool { return now.Sub(r.at) > listedTime })
}
