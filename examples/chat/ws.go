package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

const (
	frameMax    = 32 << 10         // bytes of a frame from a client: textMax, escaped
	writeTime   = 10 * time.Second // how long the client may take for one frame
	pingEvery   = 20 * time.Second // how often a client is asked whether it is there
	pingTime    = time.Minute      // for its answer, which waits behind the lines that it sent
	framesEvery = 5 * time.Second  // a client gets some frame at least so often
	pipeline    = 16               // lines that a client may send ahead of their answers
)

// wsQuery is what the query of GET /ws says.
type wsQuery struct {
	room, user string
	resume     resume
}

// parseWS reads room and user, and of a client that connects again: after, the
// seq of the newest line that it has, and epoch, from the room frame.
func parseWS(r *http.Request) (wsQuery, error) {
	q := r.URL.Query()
	w := wsQuery{room: q.Get("room"), user: q.Get("user")}
	last, err := parseSeq(q.Get("after"))
	if err != nil {
		return w, fmt.Errorf("after: %q is not a number", q.Get("after"))
	}
	incarnation, err := parseEpoch(q.Get("epoch"))
	if err != nil {
		return w, fmt.Errorf("epoch: %q is not hexadecimal", q.Get("epoch"))
	}
	w.resume = resume{incarnation: incarnation, last: last}
	return w, errors.Join(checkName("room", w.room), checkName("user", w.user))
}

// serveWS connects one user with one room.
func (s *server) serveWS(w http.ResponseWriter, r *http.Request) {
	q, err := parseWS(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !s.enter() {
		http.Error(w, errLeaving.Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.exit()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // guard has checked the origin, against the members of this moment
	})
	if err != nil {
		s.log.Debug("websocket refused", "err", err)
		return // Accept has answered
	}
	conn.SetReadLimit(frameMax)
	ctx, cancel := s.untilClosed(context.WithoutCancel(r.Context()))
	defer cancel()
	closeWith(conn, s.converse(ctx, conn, q))
}

// converse runs one connection: a session, and three goroutines that read, say
// and write. It returns why it ended, after all of them have.
func (s *server) converse(ctx context.Context, conn *websocket.Conn, q wsQuery) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := newOutbox()
	who, err := s.open(q, func(frame any) { out.add(encode(frame)) })
	if err != nil {
		return err
	}
	defer s.closeSession(who)

	said := make(chan lineFrame, pipeline)
	var wg sync.WaitGroup
	wg.Go(func() { defer close(said); cancel(readLines(ctx, conn, said)) })
	wg.Go(func() { cancel(sayLines(ctx, who, said, out)) })
	wg.Go(func() { cancel(writeFrames(ctx, conn, out)) })
	wg.Go(func() { cancel(keepAlive(ctx, conn)) })
	wg.Go(func() { beats(ctx, out) })
	<-ctx.Done()
	why := context.Cause(ctx)
	closeWith(conn, why) // wakes the reader, which may be waiting for a frame
	wg.Wait()
	return why
}

// readLines reads frames. It waits while the lines before are on their way:
// then TCP makes the client wait, and nothing is dropped.
func readLines(ctx context.Context, conn *websocket.Conn, to chan<- lineFrame) error {
	for {
		// Not with ctx: its end would cut the connection before the close frame.
		kind, b, err := conn.Read(context.WithoutCancel(ctx))
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		var f lineFrame
		if kind != websocket.MessageText || json.Unmarshal(b, &f) != nil {
			f = lineFrame{Seq: badFrame}
		}
		select {
		case to <- f:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// badFrame in Seq, which clients do not fill, marks what could not be read, so
// that its error is reported in its turn.
const badFrame = ^uint64(0)

// sayLines asks the session to say one line after the other.
func sayLines(ctx context.Context, who actor.Ref[chatpb.Notice], from <-chan lineFrame, out *outbox) error {
	for f := range from {
		post, refused := postOf(f)
		if refused != nil {
			out.add(encode(refused))
			continue
		}
		a, err := actor.Ask[*chatpb.Said](ctx, who.With(post))
		if err != nil {
			return fmt.Errorf("say: %w", err)
		}
		out.add(encode(saidFrame{Type: "said", ID: f.ID, Seq: a.GetSeq()}))
	}
	return nil
}

// postOf checks a client's frame; refused tells the client what is wrong.
func postOf(f lineFrame) (post *chatpb.Post, refused *errorFrame) {
	if f.Seq == badFrame {
		return nil, &errorFrame{Type: "error", Code: "frame", Text: `a frame must be JSON text: {"text": "…"}`}
	}
	author, number, err := parseLineID(f.ID)
	if err != nil {
		return nil, &errorFrame{Type: "error", Code: "id", Text: err.Error(), ID: f.ID}
	}
	if err := checkText(f.Text); err != nil {
		return nil, &errorFrame{Type: "error", Code: "text", Text: err.Error(), ID: f.ID}
	}
	return &chatpb.Post{Text: f.Text, Author: author, Number: number}, nil
}

func writeFrames(ctx context.Context, conn *websocket.Conn, out *outbox) error {
	for {
		frames, err := out.take(ctx)
		if err != nil {
			return err
		}
		for _, f := range frames {
			if err := writeFrame(ctx, conn, f); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
	}
}

func writeFrame(ctx context.Context, conn *websocket.Conn, frame []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, frame)
}

// keepAlive finds out that the other end is gone although the connection is not.
func keepAlive(ctx context.Context, conn *websocket.Conn) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if err := ping(ctx, conn); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
	}
}

func ping(ctx context.Context, conn *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	return conn.Ping(ctx)
}

// beats tells a client that the node lives: a page cannot send pings itself.
func beats(ctx context.Context, out *outbox) {
	tick := time.NewTicker(framesEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			out.add(encode(beatFrame{Type: "beat"}))
		}
	}
}

// closeWith tells the client why, in the close frame. Only the first call does.
func closeWith(conn *websocket.Conn, why error) {
	switch {
	case errors.Is(why, errLeaving):
		_ = conn.Close(websocket.StatusGoingAway, errLeaving.Error())
	case errors.Is(why, errSlow):
		_ = conn.Close(websocket.StatusTryAgainLater, "too slow: connect again")
	case websocket.CloseStatus(why) != -1:
		_ = conn.Close(websocket.StatusNormalClosure, "")
	default:
		_ = conn.CloseNow()
	}
}
