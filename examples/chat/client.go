package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/pando-go/pando/clusterd/engine/member"
)

const (
	clientPause   = 300 * time.Millisecond // between two tries to connect
	clientTime    = 3 * time.Second        // for one try
	clientSilence = 13 * time.Second       // without any frame a connection is dead; a node sends some every framesEvery
	clientPending = 64                     // lines on their way; say waits when there are more
)

// errRefused wraps the answer of a node that will not take this user, however
// often it is asked.
var errRefused = errors.New("refused")

// frame is any frame from a server: the union of all that have a type, and of a
// line, which has none.
type frame struct {
	lineFrame
	Type   string   `json:"type"`
	Code   string   `json:"code"`
	Node   string   `json:"node"`
	Home   string   `json:"home"`
	Epoch  string   `json:"epoch"`
	Users  []string `json:"users"`
	Joined []string `json:"joined"`
	Left   []string `json:"left"`
}

// client is one user in one room, over as many connections as it takes: when a
// node dies, it goes on through another one. What was said arrives once, and
// what others said meanwhile is there again, both as long as the room has it.
type client struct {
	room, user string
	author     string            // of this client's lines, on every connection
	show       func(frame)       // each frame in order; called by run
	note       func(text string) // what a person should know of the connection; called by run

	addresses []string // of pages: the one to try first at the head; owned by run
	epoch     string   // owned by run
	last      uint64   // newest line; owned by run

	mu      sync.Mutex
	pending []lineFrame // said, and not acknowledged yet, in order
	number  uint64
	said    uint64        // newest acknowledged line
	shown   uint64        // newest line given to show
	users   []string      // who is in the room
	changed chan struct{} // closed and replaced when one of these changes
}

func newClient(address, room, user string) *client {
	return &client{
		room: room, user: user, author: strings.ToLower(rand.Text()[:16]),
		show: func(frame) {}, note: func(string) {},
		addresses: []string{address}, changed: make(chan struct{}),
	}
}

// say queues one line. It waits while too many are on their way.
func (c *client) say(ctx context.Context, text string) error {
	return c.wait(ctx, func() bool {
		if len(c.pending) >= clientPending {
			return false
		}
		c.number++
		c.pending = append(c.pending, lineFrame{Room: c.room, User: c.user, Text: text, ID: lineID(c.author, c.number)})
		c.signal()
		return true
	})
}

// settled waits until the room has all that was said, and it was shown.
func (c *client) settled(ctx context.Context) error {
	return c.wait(ctx, func() bool { return len(c.pending) == 0 && c.shown >= c.said })
}

// present lists who is in the room.
func (c *client) present() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users
}

// wait calls ok, with the lock held, at each change until it returns true.
func (c *client) wait(ctx context.Context, ok func() bool) error {
	for {
		c.mu.Lock()
		done, changed := ok(), c.changed
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// signal wakes who waits. The caller holds the lock.
func (c *client) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// run keeps the user in the room until ctx ends or it is refused.
func (c *client) run(ctx context.Context) error {
	web := &http.Client{Timeout: clientTime}
	defer web.CloseIdleConnections()
	for down := false; ; down = true {
		if down {
			select {
			case <-time.After(clientPause):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		address := c.addresses[0]
		connected, err := c.connect(ctx, web, address)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errRefused):
			return err
		case connected:
			c.note(fmt.Sprintf("lost %s (%s); connecting again", address, closeText(err)))
		case !down:
			c.note(fmt.Sprintf("%s does not answer; trying on", address))
		}
		c.addresses = append(c.addresses[1:], address) // the next one, then round again
	}
}

// connect talks through one node until that ends.
func (c *client) connect(ctx context.Context, web *http.Client, address string) (connected bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := c.dial(ctx, web, address)
	if err != nil {
		return false, err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	c.note("connected to " + address)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { c.write(ctx, conn); cancel() })
	members := make(chan []string, 1)
	wg.Go(func() { followMembers(ctx, web, address, members) })
	for {
		b, err := readFrame(ctx, conn)
		if err != nil {
			return true, err
		}
		select {
		case found := <-members:
			c.learn(address, found)
		default:
		}
		var f frame
		if json.Unmarshal(b, &f) == nil {
			c.take(f)
		}
	}
}

// readFrame bounds the silence. It does not ping: a ping waits behind the lines
// that the node has not read yet, because the room is slow.
func readFrame(ctx context.Context, conn *websocket.Conn) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clientSilence)
	defer cancel()
	_, b, err := conn.Read(ctx)
	return b, err
}

func (c *client) dial(ctx context.Context, web *http.Client, address string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	q := url.Values{"room": {c.room}, "user": {c.user}}
	if c.epoch != "" {
		q.Set("epoch", c.epoch)
		q.Set("after", strconv.FormatUint(c.last, 10))
	}
	conn, answer, err := websocket.Dial(ctx, "ws://"+address+"/ws?"+q.Encode(), nil)
	if err != nil && answer != nil && answer.StatusCode >= 400 && answer.StatusCode < 500 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024)) // a part of it is better than nothing
		return nil, fmt.Errorf("%w by %s: %s", errRefused, address, strings.TrimSpace(string(text)))
	}
	return conn, err
}

// write sends what is pending, from the first line on: the room knows those
// that it has.
func (c *client) write(ctx context.Context, conn *websocket.Conn) {
	sent := ""
	for {
		var next *lineFrame
		err := c.wait(ctx, func() bool {
			i := 1 + slices.IndexFunc(c.pending, func(f lineFrame) bool { return f.ID == sent })
			if i < len(c.pending) {
				next = &c.pending[i]
			}
			return next != nil
		})
		if err != nil || conn.Write(ctx, websocket.MessageText, encode(next)) != nil {
			return
		}
		sent = next.ID
	}
}

// take notes what the frame changes, and shows it.
func (c *client) take(f frame) {
	switch {
	case f.Type == "" && c.epoch != "" && f.Seq <= c.last:
		return // replayed
	case f.Type == "":
		c.last = f.Seq
	case f.Type == "room" && f.Epoch != "":
		c.epoch = f.Epoch
	case f.Type == "reset":
		c.last = f.Seq
	}
	c.show(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case f.Type == "":
		c.shown = f.Seq
	case f.Type == "said":
		c.said = max(c.said, f.Seq)
		c.settle(f.ID)
	case f.Type == "error" && f.ID != "":
		c.settle(f.ID)
	case f.Type == "presence":
		c.users = f.Users
	case f.Type == "reset":
		c.shown, c.said = f.Seq, min(c.said, f.Seq)
	}
	c.signal()
}

// settle drops what is pending up to id: lines are answered in order.
func (c *client) settle(id string) {
	i := slices.IndexFunc(c.pending, func(f lineFrame) bool { return f.ID == id })
	c.pending = slices.Clone(c.pending[i+1:])
}

// learn keeps the addresses of the pages that are there now, the one in use first.
func (c *client) learn(current string, found []string) {
	c.addresses = append([]string{current}, slices.DeleteFunc(found, func(a string) bool { return a == current })...)
}

// followMembers hands over the pages' addresses every few seconds until ctx
// ends. A newer list replaces one that was not taken.
func followMembers(ctx context.Context, web *http.Client, address string, to chan []string) {
	tick := time.NewTicker(clientTime)
	defer tick.Stop()
	for {
		if found, err := pages(ctx, web, address); err == nil && len(found) > 0 {
			select {
			case <-to:
			default:
			}
			to <- found
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// pages asks one node where the members' pages are.
func pages(ctx context.Context, web *http.Client, address string) ([]string, error) {
	s, err := getMembers(ctx, web, address)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, m := range s.Members {
		if page := m.Meta[metaHTTP]; page != "" && m.Status == member.Up.String() {
			found = append(found, page)
		}
	}
	return found, nil
}

// getMembers asks one node for GET /members.
func getMembers(ctx context.Context, web *http.Client, address string) (clusterState, error) {
	var s clusterState
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/members", nil)
	if err != nil {
		return s, err
	}
	answer, err := web.Do(r)
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return s, fmt.Errorf("members of %s: %s", address, answer.Status)
	}
	return s, json.NewDecoder(io.LimitReader(answer.Body, eventMax)).Decode(&s)
}

// closeText is what a person is told of the end of a connection.
func closeText(err error) string {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Reason != "":
		return closed.Reason
	case errors.As(err, &closed):
		return "it closed the connection"
	}
	return "connection lost"
}
