package remote

import (
	"context"
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
	c, err := r.greet(conn, address, l)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		r.reportMalformed(conn, err)
		return nil, fmt.Errorf("remote: handshake with %s: %w", address, err)
	}
	r.count.dialled.Add(1)
	return c, nil
}

// greet makes the handshake of the side that dialled.
func (r *Remote) greet(conn net.Conn, address string, l *lane) (*outbound, error) {
	v := r.cfg.versions
	b, err := wire.AppendFrame([]byte(wire.Magic), wire.KindHello, &remotepb.Hello{
		MinVersion: v.Min, MaxVersion: v.Max,
		Cluster: r.sys.Name(), Address: r.self.Address, Uid: r.self.UID,
		Lane: l.kind, Index: l.index, Dialled: address, Compressions: compressionNames(r.cfg.Compressions),
	})
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(b); err != nil {
		return nil, err
	}
	frames := wire.NewReader(conn)
	if err := frames.Magic(); err != nil {
		return nil, err
	}
	k, body, err := frames.Next()
	if err != nil {
		return nil, err
	}
	welcome, refusal, err := wire.ParseAnswer(k, body, v)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, refusedError(refusal)
	}
	return newOutbound(conn, l, frames, welcome), nil
}

func refusedError(m *remotepb.Refusal) *RefusedError {
	return &RefusedError{Code: m.Code, Text: m.Text, Exceed: m.Exceed}
}
