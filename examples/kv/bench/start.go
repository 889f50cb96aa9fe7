package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// free returns n ports in a row that were free a moment ago, and whose neighbours
// above that servers use among themselves fit, too.
func free(n int) (first int, err error) {
	for try := range 100 {
		first = 20_000 + try*50
		ok := true
		for i := range n {
			for _, port := range []int{first + i, first + i + 10_000} {
				l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					ok = false
					break
				}
				l.Close()
			}
		}
		if ok {
			return first, nil
		}
	}
	return 0, errors.New("no free ports")
}

// startRedis makes a Redis Cluster of three primaries with a replica each.
func startRedis(ctx context.Context, dir string) (port string, stop func(), err error) {
	first, err := free(6)
	if err != nil {
		return "", nil, err
	}
	var servers []*exec.Cmd
	stop = func() {
		for _, s := range servers {
			_ = s.Process.Kill() // it may have ended
			_ = s.Wait()
		}
	}
	args := []string{"--cluster", "create"}
	for i := range 6 {
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(own, 0o700); err != nil {
			stop()
			return "", nil, err
		}
		s := exec.CommandContext(ctx, "redis-server", "--port", fmt.Sprint(first+i), "--cluster-enabled", "yes", "--save", "", "--appendonly", "no", "--dir", own)
		if err := s.Start(); err != nil {
			stop()
			return "", nil, err
		}
		servers = append(servers, s)
		args = append(args, fmt.Sprintf("127.0.0.1:%d", first+i))
	}
	args = append(args, "--cluster-replicas", "1", "--cluster-yes")
	err = within(ctx, func() error {
		out, err := exec.CommandContext(ctx, "redis-cli", args...).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "is not empty") {
			return fmt.Errorf("redis-cli --cluster create: %w\n%s", err, out)
		}
		return nil
	})
	if err == nil {
		err = within(ctx, func() error { return ready(ctx, first, 6) })
	}
	if err != nil {
		stop()
		return "", nil, err
	}
	return fmt.Sprint(first), stop, nil
}

// startKV starts the three nodes of the key-value server. Each slot is on two of
// them, as in the Redis Cluster above.
func startKV(program, level string) func(context.Context, string) (string, func(), error) {
	return func(ctx context.Context, dir string) (string, func(), error) {
		first, err := free(6)
		if err != nil {
			return "", nil, err
		}
		var nodes []*exec.Cmd
		stop := func() {
			for _, n := range nodes {
				_ = n.Process.Kill() // it may have ended
				_ = n.Wait()
			}
		}
		address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", first+i) }
		for i := range 3 {
			n := exec.CommandContext(ctx, program, "node", "-q", "-level", level, "-replicas", "2", "-listen", address(3+i), "-clients", address(i), "-seeds", address(3)+","+address(4))
			if err := n.Start(); err != nil {
				stop()
				return "", nil, err
			}
			nodes = append(nodes, n)
		}
		if err := within(ctx, func() error { return ready(ctx, first, 3) }); err != nil {
			stop()
			return "", nil, err
		}
		return fmt.Sprint(first), stop, nil
	}
}

// ready asks the first node whether the cluster is complete.
func ready(ctx context.Context, port, nodes int) error {
	out, err := exec.CommandContext(ctx, "redis-cli", "-p", fmt.Sprint(port), "cluster", "info").Output()
	text := strings.ReplaceAll(string(out), "\r", "")
	if err != nil || !strings.Contains(text, "cluster_state:ok\n") || !strings.Contains(text, fmt.Sprintf("cluster_known_nodes:%d\n", nodes)) {
		return fmt.Errorf("not ready: %v\n%s", err, text)
	}
	return nil
}

// within repeats f until it succeeds.
func within(ctx context.Context, f func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := f()
		if err == nil || time.Now().After(end) || ctx.Err() != nil {
			return err
		}
	}
}
