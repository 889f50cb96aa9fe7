package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// guest is one node of a crowd.
type guest interface {
	knows(n int) bool // n members are there, and that is settled
	sent() uint64     // bytes
}

// runGuests is a process of a crowd. It prints a sample once its nodes know all
// members, and one more for each line that it reads.
func runGuests(ctx context.Context, text string) error {
	var s crowdSetup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	var guests []guest
	for _, port := range s.Listen {
		g, err := s.invite(ctx, port)
		if err != nil {
			return err
		}
		guests = append(guests, g)
	}
	for _, g := range guests {
		for !g.knows(s.Nodes) {
			if err := wait(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	enc := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); ; {
		if err := enc.Encode(take(guests)); err != nil {
			return err
		}
		if !in.Scan() { // the parent is gone
			return in.Err()
		}
	}
}

// take samples this process.
func take(guests []guest) sample {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // of oneself it cannot fail
	runtime.GC()                                       // what is left is in use; its time is a hundredth of what is measured
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := sample{
		CPU:        time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds(),
		Goroutines: runtime.NumGoroutine(),
		Memory:     m.HeapInuse + m.StackInuse,
	}
	for _, g := range guests {
		s.Bytes += g.sent()
	}
	return s
}

func (s *crowdSetup) invite(ctx context.Context, port int) (guest, error) {
	if s.System == "memberlist" {
		return s.inviteMemberlist(port)
	}
	timing, err := timingOf(s.Timing)
	if err != nil {
		return nil, err
	}
	var seeds []string
	for _, p := range s.Seeds {
		seeds = append(seeds, loopback(p))
	}
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: "crowd", Listen: loopback(port), Seeds: seeds, Timing: timing, Logger: slog.New(slog.DiscardHandler),
	})
	return pandoGuest{node}, err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

type pandoGuest struct{ node *clusterd.Node }

func (g pandoGuest) sent() uint64 { return g.node.TransportStats().SentBytes }

func (g pandoGuest) knows(n int) bool {
	v := g.node.View()
	if !v.Converged || len(v.Members) != n {
		return false
	}
	for _, m := range v.Members {
		if m.Status != member.Up || !m.Reachable {
			return false
		}
	}
	return true
}

type memberlistGuest struct {
	list  *memberlist.Memberlist
	bytes *atomic.Uint64
}

func (g memberlistGuest) sent() uint64     { return g.bytes.Load() }
func (g memberlistGuest) knows(n int) bool { return g.list.NumMembers() == n }

// inviteMemberlist starts a node with the defaults for a local network. It
// joins the first seed; that one's process may not listen yet.
func (s *crowdSetup) inviteMemberlist(port int) (guest, error) {
	cfg := memberlist.DefaultLANConfig()
	cfg.Name = loopback(port)
	cfg.BindAddr, cfg.AdvertiseAddr = "127.0.0.1", "127.0.0.1"
	cfg.BindPort, cfg.AdvertisePort = 0, 0
	if port == s.Seeds[0] {
		cfg.BindPort, cfg.AdvertisePort = port, port
	}
	cfg.Logger = log.New(io.Discard, "", 0)
	inner, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
		BindAddrs: []string{cfg.BindAddr}, BindPort: cfg.BindPort, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	cfg.AdvertisePort = inner.GetAutoBindPort()
	t := &countingTransport{NetTransport: inner}
	cfg.Transport = t
	list, err := memberlist.Create(cfg)
	if err != nil {
		return nil, err
	}
	g := memberlistGuest{list, &t.bytes}
	for try := 0; port != s.Seeds[0]; try++ {
		if _, err = list.Join([]string{loopback(s.Seeds[0])}); err == nil {
			break
		}
		if try == 100 {
			return nil, fmt.Errorf("join: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return g, nil
}

// countingTransport counts what memberlist sends: datagrams where they are
// sent, and both directions of a connection where it is opened.
type countingTransport struct {
	*memberlist.NetTransport
	bytes atomic.Uint64
}

func (t *countingTransport) WriteTo(b []byte, addr string) (time.Time, error) {
	return t.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (t *countingTransport) WriteToAddress(b []byte, addr memberlist.Address) (time.Time, error) {
	t.bytes.Add(uint64(len(b)))
	return t.NetTransport.WriteToAddress(b, addr)
}

func (t *countingTransport) DialTimeout(addr string, d time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, d)
}

func (t *countingTransport) DialAddressTimeout(addr memberlist.Address, d time.Duration) (net.Conn, error) {
	conn, err := t.NetTransport.DialAddressTimeout(addr, d)
	if err != nil {
		return nil, err
	}
	return countingConn{conn, &t.bytes}, nil
}

type countingConn struct {
	net.Conn
	bytes *atomic.Uint64
}

func (c countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(uint64(n))
	return n, err
}

func (c countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(uint64(n))
	return n, err
}
