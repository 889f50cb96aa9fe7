package remote

import (
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
		conn = newSocket(conn)
		if !r.admit(conn) || !r.begin() {
			conn.Close()
			continue
		}
		go r.receive(conn)
	}
}

func (r *Remote) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// receive shakes hands on a connection from another node, and then serves it.
// Close waits for it as begin has told, and for what follows it: ended is called
// by whichever goroutine was the reader at the end.
func (r *Remote) receive(plain net.Conn) {
	plain.SetDeadline(time.Now().Add(r.cfg.HandshakeTimeout))
	conn, err := r.acceptTLS(plain)
	if err != nil {
		r.greeted(plain)
		r.hangUp(plain)
		return
	}
	c, err := r.welcome(&bounded{Conn: conn})
	r.greeted(plain)
	if c != nil {
		c.plain = plain
	}
	if err == nil {
		c.role.Lock()
		c.serve()
		return
	}
	r.farewell(conn, err)
	if c != nil {
		c.end()
	}
	r.hangUp(plain)
}

// ended is called when the connection of c is not read any more.
func (r *Remote) ended(c *inbound, err error) {
	r.farewell(c.Conn, err)
	c.end()
	r.hangUp(c.plain)
}

// hangUp ends what begin began.
func (r *Remote) hangUp(plain net.Conn) {
	plain.Close()
	r.forget(plain)
	r.wg.Done()
}

// farewell tells both sides' operators why a connection ended.
func (r *Remote) farewell(conn net.Conn, err error) {
	if r.reportMalformed(conn, err) {
		refuse(conn, &remotepb.Refusal{Code: CodeMalformed, Text: "remote: " + err.Error()}, r.cfg.AckTimeout)
		return
	}
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		r.warn(refused.Code, "connection refused by the caller", "remote", conn.RemoteAddr(), "reason", refused.Text)
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
	r.warn(CodeMalformed, "connection closed", "remote", conn.RemoteAddr(), "reason", malformed.Reason)
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
//
// The order matters: first what any caller may know, then the proof of the
// secret and of the address, and only for who has passed them a look at, or a
// change of, what this node knows of its peers.
func (r *Remote) welcome(conn *bounded) (*inbound, error) {
	t, err := newGreeting(conn)
	if err != nil {
		return nil, err
	}
	hello, err := r.hearHello(t)
	if err != nil {
		return nil, err
	}
	version, refusal := r.judge(hello)
	if refusal != nil {
		return nil, r.refuse(conn, hello, refusal)
	}
	secret, refusal, err := r.authenticate(t, hello)
	if err != nil {
		return nil, err
	}
	if refusal == nil {
		refusal = r.judgeIdentity(hello)
	}
	if refusal != nil {
		return nil, r.refuse(conn, hello, refusal)
	}
	c := newInbound(r, conn, t.frames, hello)
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
	return c, r.agree(t, c, hello, version, secret)
}

func (r *Remote) hearHello(t *greeting) (*remotepb.Hello, error) {
	if err := t.frames.Magic(); err != nil {
		return nil, err
	}
	if _, err := t.Write([]byte(wire.Magic)); err != nil {
		return nil, err
	}
	kind, body, err := t.hear()
	if err != nil {
		return nil, err
	}
	return wire.ParseHello(kind, body)
}

// authenticate lets only those go on who know the secret, if there is one, and
// whose certificate is for the address that they claim, if there are any. The
// secret that was proved comes back.
func (r *Remote) authenticate(t *greeting, h *remotepb.Hello) (secret string, refusal *remotepb.Refusal, err error) {
	switch secrets := r.secrets(); {
	case len(secrets) > 0:
		if secret, refusal, err = t.challenge(r.self.Address, h, secrets); err != nil || refusal != nil {
			return "", refusal, err
		}
	case len(h.Nonce) > 0:
		return "", &remotepb.Refusal{Code: CodeSecret, Text: fmt.Sprintf(
			"remote: %s has a join secret, and %s has none; give both the same", h.Address, r.self.Address)}, nil
	}
	if err := vouched(t.Conn, h.Address); err != nil {
		return "", &remotepb.Refusal{Code: CodeCertificate, Text: fmt.Sprintf(
			"remote: the caller says it is %s: %v; put the host of its address among the SANs", h.Address, err)}, nil
	}
	return secret, nil, nil
}

// judge decides on what needs no proof.
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
	case r.isClosing():
		return 0, &remotepb.Refusal{Code: CodeClosing, Text: "remote: " + r.self.Address + " is stopping"}
	}
	return version, nil
}

// judgeIdentity decides on a caller that claims to be this node.
func (r *Remote) judgeIdentity(h *remotepb.Hello) *remotepb.Refusal {
	switch {
	case h.Address == r.self.Address && h.Uid < r.self.UID:
		return &remotepb.Refusal{Code: CodeUID, Exceed: r.self.UID, Text: fmt.Sprintf(
			"remote: %s is held by UID %d, not %d; a node that follows it needs a higher UID", h.Address, r.self.UID, h.Uid)}
	case h.Address == r.self.Address && h.Uid > r.self.UID:
		return &remotepb.Refusal{Code: CodeAddress, Text: fmt.Sprintf(
			"remote: %s is the address of the node that answers here; advertise another", h.Address)}
	}
	return nil
}

// refuse answers a hello, logs why and returns that as an error.
func (r *Remote) refuse(conn net.Conn, h *remotepb.Hello, m *remotepb.Refusal) error {
	r.count.refused.Add(1)
	r.warn(m.Code, "connection refused", "remote", conn.RemoteAddr(), "from", h.Address, "reason", m.Text)
	refuse(conn, m, r.cfg.HandshakeTimeout)
	return fmt.Errorf("refused: %s", m.Code)
}

// agree sends the welcome, with the proof of the secret if the caller proved one,
// and lifts the limits of the handshake.
func (r *Remote) agree(t *greeting, c *inbound, h *remotepb.Hello, version uint32, secret string) error {
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
	if err := t.say("", wire.KindWelcome, w); err != nil {
		return err
	}
	if secret != "" {
		if err := t.say("", wire.KindProof, &remotepb.Proof{Mac: t.mac(roleAnswered, secret)}); err != nil {
			return err
		}
	}
	c.SetDeadline(time.Time{})
	t.Conn.(*bounded).limit = r.cfg.SilenceTimeout
	if c.frames.Limit(wire.MaxFrame(0)); c.lane == remotepb.Lane_LANE_CONTROL {
		c.frames.Limit(wire.MaxFrame(r.cfg.MaxMessage))
	}
	r.count.accepted.Add(1)
	r.log.Debug("connection accepted", "remote", c.RemoteAddr(), "from", c.p.address, "lane", c.lane)
	return nil
}
