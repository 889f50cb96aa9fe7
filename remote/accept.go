package remote

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// drainTime is how long a reader may go on with what has arrived after a newer
// connection of the same stream stands.
const drainTime = 200 * time.Millisecond

// accept takes connections until the listener is closed.
func (r *Remote) accept() {
	wait := time.Duration(0)
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || r.isClosing() {
				return
			}
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			r.log.Warn("accept failed", "reason", err)
			select {
			case <-time.After(wait):
			case <-r.halt:
			}
			continue
		}
		wait = 0
		if !r.admit(conn) || !r.start(func() { r.receive(conn) }) {
			conn.Close()
		}
	}
}

func (r *Remote) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// admit counts a connection in, if the limits allow it.
func (r *Remote) admit(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	if len(r.conns) >= r.cfg.MaxConns || r.greetings >= r.cfg.MaxHandshakes {
		r.count.refused.Add(1)
		r.log.Warn("connection refused: limit reached", "remote", conn.RemoteAddr(), "reason", CodeBusy,
			"connections", len(r.conns), "handshakes", r.greetings)
		return false
	}
	r.conns[conn] = struct{}{}
	r.greetings++
	r.count.inbound.Add(1)
	return true
}

func (r *Remote) greeted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.greetings--
}

func (r *Remote) forget(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
	r.count.inbound.Add(-1)
}

// receive serves one connection from another node.
func (r *Remote) receive(plain net.Conn) {
	defer r.forget(plain)
	defer plain.Close()
	conn := plain
	if r.cfg.TLS != nil {
		conn = tls.Server(plain, r.cfg.TLS)
	}
	conn.SetDeadline(time.Now().Add(r.cfg.HandshakeTimeout))
	c, err := r.welcome(conn)
	r.greeted()
	if c != nil {
		defer c.end()
	}
	if err == nil {
		err = c.serve()
	}
	if r.reportMalformed(conn, err) {
		refuse(conn, &remotepb.Refusal{Code: CodeMalformed, Text: "remote: " + err.Error()}, r.cfg.AckTimeout)
		return
	}
	r.log.Debug("connection ended", "remote", conn.RemoteAddr(), "reason", err)
}

// reportMalformed logs and counts an error if it is the other side's breach of
// the protocol.
func (r *Remote) reportMalformed(conn net.Conn, err error) bool {
	var malformed *wire.MalformedError
	if !errors.As(err, &malformed) {
		return false
	}
	r.count.malformed.Add(1)
	r.log.Warn("connection closed", "remote", conn.RemoteAddr(), "reason", malformed.Reason)
	return true
}

// refuse tells the other side why its connection ends.
func refuse(conn net.Conn, m *remotepb.Refusal, limit time.Duration) {
	if b, err := wire.AppendFrame(nil, wire.KindRefusal, m); err == nil {
		conn.SetWriteDeadline(time.Now().Add(limit))
		conn.Write(b)
	}
}

// welcome makes the handshake of the side that was called. A connection comes
// back with an error too, once it has entered its stream.
func (r *Remote) welcome(conn net.Conn) (*inbound, error) {
	frames := wire.NewReader(conn)
	if err := frames.Magic(); err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte(wire.Magic)); err != nil {
		return nil, err
	}
	kind, body, err := frames.Next()
	if err != nil {
		return nil, err
	}
	hello, err := wire.ParseHello(kind, body)
	if err != nil {
		return nil, err
	}
	version, refusal := r.judge(hello)
	if refusal != nil {
		return nil, r.refuse(conn, hello, refusal)
	}
	c := newInbound(r, conn, frames, hello)
	if c.p == nil {
		return nil, r.refuse(conn, hello, &remotepb.Refusal{Code: CodeBusy, Text: "remote: too many addresses"})
	}
	before, refusal := c.p.enter(c)
	if refusal != nil {
		return nil, r.refuse(conn, hello, refusal)
	}
	if err := c.replace(before); err != nil {
		return c, err
	}
	return c, r.agree(c, hello, version)
}

// judge decides on all that needs no state of the peer.
func (r *Remote) judge(h *remotepb.Hello) (version uint32, refusal *remotepb.Refusal) {
	theirs, ours := wire.Versions{Min: h.MinVersion, Max: h.MaxVersion}, r.cfg.versions
	version, ok := theirs.Common(ours)
	switch {
	case !ok:
		return 0, &remotepb.Refusal{Code: CodeVersion, Text: fmt.Sprintf(
			"remote: %s speaks protocol versions %d to %d, %s speaks %d to %d; run releases that share one",
			r.self.Address, ours.Min, ours.Max, h.Address, theirs.Min, theirs.Max)}
	case h.Cluster != r.sys.Name():
		return 0, &remotepb.Refusal{Code: CodeCluster, Text: fmt.Sprintf(
			"remote: %s belongs to cluster %q, %s to %q; give both the same name, or give the one an address of its own cluster",
			r.self.Address, r.sys.Name(), h.Address, h.Cluster)}
	case h.Address == r.self.Address && h.Uid < r.self.UID:
		return 0, &remotepb.Refusal{Code: CodeUID, Exceed: r.self.UID, Text: fmt.Sprintf(
			"remote: %s is held by UID %d, not %d; a node that follows it needs a higher UID", h.Address, r.self.UID, h.Uid)}
	case h.Address == r.self.Address && h.Uid > r.self.UID:
		return 0, &remotepb.Refusal{Code: CodeAddress, Text: fmt.Sprintf(
			"remote: %s is the address of the node that answers here; advertise another", h.Address)}
	case r.isClosing():
		return 0, &remotepb.Refusal{Code: CodeClosing, Text: "remote: " + r.self.Address + " is stopping"}
	}
	return version, nil
}

// refuse answers a hello and returns the refusal as an error.
func (r *Remote) refuse(conn net.Conn, h *remotepb.Hello, m *remotepb.Refusal) error {
	r.count.refused.Add(1)
	r.log.Warn("connection refused", "remote", conn.RemoteAddr(), "from", h.Address, "code", m.Code, "reason", m.Text)
	refuse(conn, m, r.cfg.HandshakeTimeout)
	return refusedError(m)
}

// agree sends the welcome and lifts the limits of the handshake.
func (r *Remote) agree(c *inbound, h *remotepb.Hello, version uint32) error {
	w := &remotepb.Welcome{
		Version: version, Cluster: r.sys.Name(), Address: r.self.Address, Uid: r.self.UID,
		Received: c.stream.batch.Load(), MaxMessage: uint32(r.cfg.MaxMessage),
	}
	if c.lane == remotepb.Lane_LANE_CONTROL {
		w.Received = c.stream.system.Load()
	} else {
		w.Compression = r.cfg.chooseCompression(h.Compressions)
		c.unpack = r.cfg.compression(w.Compression)
	}
	b, err := wire.AppendFrame(nil, wire.KindWelcome, w)
	if err != nil {
		return err
	}
	if _, err := c.Write(b); err != nil {
		return err
	}
	c.SetDeadline(time.Time{})
	if c.frames.Limit(wire.MaxFrame(0)); c.lane == remotepb.Lane_LANE_CONTROL {
		c.frames.Limit(wire.MaxFrame(r.cfg.MaxMessage))
	}
	r.count.accepted.Add(1)
	r.log.Debug("connection accepted", "remote", c.RemoteAddr(), "from", c.p.address, "lane", c.lane)
	return nil
}
