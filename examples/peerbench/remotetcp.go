package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// tcpNear is no runtime: the same bytes through bare connections, a length before
// each message, buffered by bufio. It is what the others are compared with. Tells
// have a connection; each goroutine that asks has one of its own.
type tcpNear struct {
	address string
	out     *bufio.Writer
	buf     []byte
}

const (
	tcpTells byte = iota
	tcpAsks
)

func serveTCP(s side) (far, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return far{}, err
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serveTCPConn(conn, s)
		}
	}()
	return far{ln.Addr().String()}, nil
}

func serveTCPConn(conn net.Conn, s side) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	kind, err := in.ReadByte()
	var buf []byte
	for m := new(benchpb.Load); err == nil; {
		if buf, err = readTCP(in, buf, m); err != nil {
			return
		}
		if kind == tcpTells {
			s.got(m.Seq, len(m.Text))
			continue
		}
		if buf, err = appendTCP(buf[:0], m); err == nil {
			_, err = conn.Write(buf)
		}
	}
}

// readTCP reads one message through buf.
func readTCP(in *bufio.Reader, buf []byte, m *benchpb.Load) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return buf, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	if _, err := io.ReadFull(in, buf[:n]); err != nil {
		return buf, err
	}
	return buf, proto.Unmarshal(buf[:n], m)
}

func appendTCP(buf []byte, m *benchpb.Load) ([]byte, error) {
	buf = append(buf, 0, 0, 0, 0)
	buf, err := proto.MarshalOptions{}.MarshalAppend(buf, m)
	if err == nil {
		binary.BigEndian.PutUint32(buf, uint32(len(buf)-4))
	}
	return buf, err
}

func dialTCP(ctx context.Context, _ side, address string) (near, error) {
	t := &tcpNear{address: address}
	conn, err := t.conn(ctx, tcpTells)
	if err != nil {
		return nil, err
	}
	t.out = bufio.NewWriterSize(conn, 64<<10)
	return t, nil
}

func (t *tcpNear) conn(ctx context.Context, kind byte) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write([]byte{kind})
	return conn, err
}

func (t *tcpNear) telling(_ context.Context, f func(remoteTell) error) error {
	return f(func(m *benchpb.Load) (err error) {
		if m == nil {
			return t.out.Flush()
		}
		if t.buf, err = appendTCP(t.buf[:0], m); err != nil {
			return err
		}
		_, err = t.out.Write(t.buf)
		return err
	})
}

func (t *tcpNear) asking(ctx context.Context, n int, f func(remoteAsk) error) error {
	return together(n, func() error {
		conn, err := t.conn(ctx, tcpAsks)
		if err != nil {
			return err
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		var out, back []byte
		answer := new(benchpb.Load)
		return f(func(m *benchpb.Load) (_ *benchpb.Load, err error) {
			if out, err = appendTCP(out[:0], m); err != nil {
				return nil, err
			}
			if _, err = conn.Write(out); err != nil {
				return nil, err
			}
			back, err = readTCP(in, back, answer)
			return answer, err
		})
	})
}
