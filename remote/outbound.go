package remote

import (
	"net"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// outbound is a connection that this node opened, after its handshake. It is
// written by its lane's goroutine, or now and then by a sender in its place,
// and read by a goroutine that the lane started.
type outbound struct {
	net.Conn
	l       *lane
	frames  *wire.Reader
	welcome *remotepb.Welcome
	packer  *packer    // nil: nothing is compressed
	try     *tryWriter // nil: Conn is no socket
}

func newOutbound(conn net.Conn, l *lane, frames *wire.Reader, w *remotepb.Welcome) *outbound {
	r := l.p.r
	return &outbound{
		Conn: conn, l: l, frames: frames, welcome: w,
		packer: newPacker(r.cfg, w.Compression), try: newTryWriter(conn),
	}
}

// send writes bufs in one go.
func (c *outbound) send(bufs net.Buffers) error {
	c.wrote(bufs...)
	if len(bufs) == 1 {
		_, err := c.Write(bufs[0])
		return err
	}
	_, err := bufs.WriteTo(c.Conn)
	return err
}

// wrote counts what is written.
func (c *outbound) wrote(bufs ...[]byte) {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	r := c.l.p.r
	r.count.sentBytes.Add(uint64(n))
	c.l.stats.wireBytes.Add(uint64(n))
	if r.cfg.Dump != nil {
		r.dumpWritten(c.l, bufs)
	}
}
