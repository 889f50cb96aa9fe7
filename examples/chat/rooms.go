package main

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/pando-go/pando/examples/chat/chatpb"
)

// roomsState is what GET /rooms answers: all rooms with somebody in them, by name.
type roomsState struct {
	Rooms []roomState `json:"rooms"`
}

// roomState is one room of the list. Users and Lines are a few seconds old.
type roomState struct {
	Name  string `json:"name"`
	Users uint32 `json:"users"`
	Lines uint64 `json:"lines"`
	Home  string `json:"home"` // the node that hosts it; "" = none right now
}

const roomsEvery = 2 * time.Second

// rooms keeps this node's copy of the lobby's list for the readers of /events:
// one question to the lobby serves all of them, and none are asked while nobody
// reads.
type rooms struct {
	ask  func(ctx context.Context) (*chatpb.Rooms, error)
	home func(room string) string

	mu      sync.Mutex
	latest  roomsState               // newest answer
	known   bool                     // there was one
	readers map[chan roomsState]bool // each holds the newest list at most
	wake    chan struct{}            // a first reader came
}

func newRooms(ask func(context.Context) (*chatpb.Rooms, error), home func(string) string) *rooms {
	return &rooms{ask: ask, home: home, readers: map[chan roomsState]bool{}, wake: make(chan struct{}, 1)}
}

// run follows the lobby until ctx ends.
func (r *rooms) run(ctx context.Context) {
	tick := time.NewTicker(roomsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.wake:
		}
		if r.watched() {
			if list, err := r.list(ctx); err == nil {
				r.publish(list)
			}
		}
	}
}

// list asks the lobby.
func (r *rooms) list(ctx context.Context) (roomsState, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	answer, err := r.ask(ctx)
	if err != nil {
		return roomsState{}, err
	}
	list := roomsState{Rooms: []roomState{}}
	for _, room := range answer.GetRooms() {
		list.Rooms = append(list.Rooms, roomState{
			Name: room.GetName(), Users: room.GetUsers(), Lines: room.GetSeq(), Home: r.home(room.GetName()),
		})
	}
	return list, nil
}

func (r *rooms) watched() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.readers) > 0
}

func (r *rooms) publish(list roomsState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known && reflect.DeepEqual(list, r.latest) {
		return
	}
	r.latest, r.known = list, true
	for c := range r.readers {
		offer(c, list)
	}
}

// subscribe returns a channel with the newest list and each later one; a reader
// that is behind misses those in between.
func (r *rooms) subscribe() chan roomsState {
	c := make(chan roomsState, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known {
		c <- r.latest
	}
	r.readers[c] = true
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return c
}

func (r *rooms) unsubscribe(c chan roomsState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.readers, c)
}

// offer replaces what waits in c. Its only caller holds the lock.
func offer(c chan roomsState, list roomsState) {
	select {
	case <-c:
	default:
	}
	c <- list
}
