package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/pando-go/pando/remote/internal/wire"
)

// Config of a [Remote]. Zero values are good defaults; name, address and UID
// are the system's.
type Config struct {
	// Dial opens a connection; nil is TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// TLS wraps the listener and each connection; nil is plain text.
	TLS *tls.Config
	// Logger is told of connections (Debug) and of what peers do wrong (Warn).
	// nil is the slog default.
	Logger *slog.Logger

	// UserLanes is how many connections user messages to one peer are spread
	// over, by their receivers, 1 to 64. Each is opened when it is first needed.
	// More let a peer with many processors decode in parallel. Default 2.
	UserLanes int
	// IdleTimeout closes a connection that has carried nothing for so long; the
	// next message opens it again. Default 1 min.
	IdleTimeout time.Duration
	// ForgetAfter is how long an address without connection, message or watch
	// is remembered. Of a removed one no more than its UID is. Default 24 h.
	ForgetAfter time.Duration
	// Codecs are asked in order, before those that are built in, who encodes a
	// message that is sent and who decodes one that arrived. Their names must
	// differ.
	Codecs []Codec
	// Compressions are offered to other nodes, best first; a connection uses the
	// first one that both sides have. Default none.
	Compressions []Compression
	// CompressBytes is how long a frame of user messages must be to be
	// compressed. Default 1024.
	CompressBytes int
	// Dump is called with each frame that is written or read, from the goroutine
	// that does it, so it must be quick. For finding faults: it makes all slower.
	// nil is off.
	Dump func(Frame)

	// MaxMessage is the limit of one encoded message, in bytes. Default 4 MiB.
	MaxMessage int
	// QueueBytes is the limit of user messages that wait for one peer or for
	// its acknowledgement, encoded, in bytes. Default 16 MiB.
	QueueBytes int
	// ControlMessages and ControlBytes are the limits of control messages that
	// wait for one peer; a single one may be longer. Default 512 and 1 MiB.
	ControlMessages int
	ControlBytes    int

	// DialTimeout bounds the opening of a connection. Default 2 s.
	DialTimeout time.Duration
	// HandshakeTimeout bounds the handshake that a caller makes. Default 5 s.
	HandshakeTimeout time.Duration
	// AckTimeout ends a connection whose other side has acknowledged nothing
	// for so long although something was sent. Default 5 s.
	AckTimeout time.Duration
	// BackoffMin and BackoffMax bound the wait between two tries to connect.
	// It doubles with each failure and is shortened at random by up to half.
	// Defaults 50 ms and 2 s.
	BackoffMin time.Duration
	BackoffMax time.Duration

	// MaxConns is the limit of connections from other nodes, MaxHandshakes of
	// those among them that have not shaken hands yet, MaxPeers of addresses
	// known. Defaults 4096, 256 and 65536.
	MaxConns      int
	MaxHandshakes int
	MaxPeers      int
	// MaxWatches is the limit of watches that one peer holds on local actors.
	// Default 1048576.
	MaxWatches int

	versions wire.Versions // offered; tests narrow it
}

// withDefaults returns a copy without zero values, or all faults at once.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.versions == (wire.Versions{}) {
		c.versions = wire.Versions{Min: 1, Max: 1}
	}
	c.Dial = c.dialer()
	fill(&faults, "UserLanes", &c.UserLanes, 2)
	fill(&faults, "IdleTimeout", &c.IdleTimeout, time.Minute)
	fill(&faults, "ForgetAfter", &c.ForgetAfter, 24*time.Hour)
	fill(&faults, "CompressBytes", &c.CompressBytes, 1024)
	fill(&faults, "MaxMessage", &c.MaxMessage, 4<<20)
	fill(&faults, "QueueBytes", &c.QueueBytes, 16<<20)
	fill(&faults, "ControlMessages", &c.ControlMessages, 512)
	fill(&faults, "ControlBytes", &c.ControlBytes, 1<<20)
	fill(&faults, "DialTimeout", &c.DialTimeout, 2*time.Second)
	fill(&faults, "HandshakeTimeout", &c.HandshakeTimeout, 5*time.Second)
	fill(&faults, "AckTimeout", &c.AckTimeout, 5*time.Second)
	fill(&faults, "BackoffMin", &c.BackoffMin, 50*time.Millisecond)
	fill(&faults, "BackoffMax", &c.BackoffMax, 2*time.Second)
	fill(&faults, "MaxConns", &c.MaxConns, 4096)
	fill(&faults, "MaxHandshakes", &c.MaxHandshakes, 256)
	fill(&faults, "MaxPeers", &c.MaxPeers, 1<<16)
	fill(&faults, "MaxWatches", &c.MaxWatches, 1<<20)
	if c.UserLanes > wire.MaxLanes {
		faults = append(faults, fmt.Errorf("UserLanes %d is above %d", c.UserLanes, wire.MaxLanes))
	}
	faults = append(faults, checkCodecs(c.Codecs), checkCompressions(c.Compressions))
	if c.MaxMessage > 1<<30 {
		faults = append(faults, fmt.Errorf("MaxMessage %d is above 1 GiB", c.MaxMessage))
	}
	if c.QueueBytes < c.MaxMessage+8*wire.MaxText {
		faults = append(faults, fmt.Errorf("QueueBytes %d has no room for one message of MaxMessage %d", c.QueueBytes, c.MaxMessage))
	}
	if err := errors.Join(faults...); err != nil {
		return c, fmt.Errorf("remote: config: %w", err)
	}
	return c, nil
}

func fill[T int | time.Duration](faults *[]error, name string, field *T, value T) {
	if *field < 0 {
		*faults = append(*faults, fmt.Errorf("%s is negative", name))
	}
	if *field == 0 {
		*field = value
	}
}

// dialer returns Dial with its default, wrapped by TLS if configured.
func (c Config) dialer() func(ctx context.Context, address string) (net.Conn, error) {
	dial := c.Dial
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	if c.TLS == nil {
		return dial
	}
	conf := c.TLS
	return func(ctx context.Context, address string) (net.Conn, error) {
		plain, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		conn := tls.Client(plain, clientTLS(conf, address))
		if err := conn.HandshakeContext(ctx); err != nil {
			plain.Close()
			return nil, err
		}
		return conn, nil
	}
}

// clientTLS names the host that the other side's certificate must be for.
func clientTLS(conf *tls.Config, address string) *tls.Config {
	if conf.ServerName != "" || conf.InsecureSkipVerify {
		return conf
	}
	conf = conf.Clone()
	conf.ServerName, _, _ = net.SplitHostPort(address)
	return conf
}
