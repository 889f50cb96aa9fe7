package remote

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// open dials and shakes hands.
func (r *Remote) open(ctx context.Context, address string, l *lane) (*outbound, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.DialTimeout)
	defer cancel()
	conn, err := r.cfg.Dial(ctx, address)
	if err != nil {
		if isNobody(err) {
			return nil, fmt.Errorf("%w: %s", ErrNobody, address)
		}
		return nil, fmt.Errorf("remote: dial %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	c, err := r.greetSecurely(ctx, conn, address, l)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		r.reportMalformed(conn, err)
		r.reportRefused(address, err)
		return nil, fmt.Errorf("remote: handshake with %s: %w", address, err)
	}
	r.count.dialled.Add(1)
	return c, nil
}

// reportRefused logs a refusal where the operator of this side reads it.
func (r *Remote) reportRefused(address string, err error) {
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		r.warn(refused.Code, "no connection: refused", "to", address, "reason", refused.Text)
	}
}

// greetSecurely is greet within TLS, if this node is to use it.
func (r *Remote) greetSecurely(ctx context.Context, conn net.Conn, address string, l *lane) (*outbound, error) {
	if r.tls == nil {
		return r.greet(conn, address, l)
	}
	conn, err := dialTLS(ctx, newSpill(conn), r.tls(), address)
	if err != nil {
		return nil, err
	}
	c, err := r.greet(conn, address, l)
	if err != nil {
		return nil, tlsError(err, address) // TLS 1.3 tells of a refused certificate only now
	}
	if err := vouched(conn, c.welcome.Address); err != nil {
		m := &remotepb.Refusal{Code: CodeCertificate, Text: fmt.Sprintf(
			"remote: %s says it is %s: %v", address, c.welcome.Address, err)}
		refuse(conn, m, r.cfg.AckTimeout)
		return nil, refusedError(m)
	}
	return c, nil
}

// greet makes the handshake of the side that dialled.
func (r *Remote) greet(conn net.Conn, address string, l *lane) (*outbound, error) {
	t, err := newGreeting(conn)
	if err != nil {
		return nil, err
	}
	secrets := r.secrets()
	if err := t.say(wire.Magic, wire.KindHello, r.hello(address, l, len(secrets) > 0)); err != nil {
		return nil, err
	}
	if err := t.frames.Magic(); err != nil {
		return nil, err
	}
	k, body, err := t.hear()
	if err != nil {
		return nil, err
	}
	challenged := k == wire.KindChallenge
	if challenged {
		if err := t.prove(r.self.Address, address, body, k, secrets); err != nil {
			return nil, err
		}
		if k, body, err = t.hear(); err != nil {
			return nil, err
		}
	}
	welcome, refusal, err := wire.ParseAnswer(k, body, r.cfg.versions)
	switch {
	case err != nil:
		return nil, err
	case refusal != nil:
		return nil, refusedError(refusal)
	case len(secrets) > 0 && !challenged:
		return nil, &RefusedError{Code: CodeSecret, Text: "remote: " + address + " did not ask for the join secret: it has none"}
	case challenged:
		if err := t.hearProof(address, secrets[0]); err != nil {
			return nil, err
		}
	}
	return newOutbound(conn, l, t.frames, welcome), nil
}

// hello introduces this node.
func (r *Remote) hello(dialled string, l *lane, secret bool) *remotepb.Hello {
	h := &remotepb.Hello{
		MinVersion: r.cfg.versions.Min, MaxVersion: r.cfg.versions.Max,
		Cluster: r.sys.Name(), Address: r.self.Address, Uid: r.self.UID,
		Lane: l.kind, Index: l.index, Dialled: dialled, Compressions: compressionNames(r.cfg.Compressions),
	}
	if secret {
		h.Nonce = newNonce()
	}
	return h
}

func refusedError(m *remotepb.Refusal) *RefusedError {
	return &RefusedError{Code: m.Code, Text: m.Text, Exceed: m.Exceed}
}
