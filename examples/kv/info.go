package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// redisVersion is the version whose replies this server gives. Tools of the field
// move slots in a way of their own from 8.4 on; so it must stay below.
const redisVersion = "7.0.15"

// info is INFO [section...].
func (c *client) info(args [][]byte) {
	var b strings.Builder
	for _, s := range c.sections() {
		if len(args) > 1 && !wanted(args[1:], s.name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.name + "\r\n" + s.text())
	}
	c.w.Verbatim(b.String())
}

func wanted(names [][]byte, section string) bool {
	for _, name := range names {
		switch strings.ToLower(string(name)) {
		case strings.ToLower(section), "all", "default", "everything":
			return true
		}
	}
	return false
}

type section struct {
	name string
	text func() string
}

func (c *client) sections() []section {
	s := c.srv
	return []section{
		{"Server", func() string {
			return lines("redis_version", redisVersion, "server_name", "pando-kv", "redis_mode", "cluster",
				"os", runtime.GOOS, "arch_bits", 64, "process_id", os.Getpid(), "run_id", s.id,
				"tcp_port", s.port, "uptime_in_seconds", int(time.Since(s.started).Seconds()))
		}},
		{"Clients", func() string { return lines("connected_clients", s.open.Load(), "maxclients", maxClients) }},
		{"Memory", func() string {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return lines("used_memory", m.HeapAlloc, "used_memory_rss", m.Sys, "maxmemory", 0)
		}},
		{"Persistence", func() string { return lines("loading", 0) }},
		{"Stats", func() string {
			return lines("total_connections_received", s.accepted.Load(), "total_commands_processed", s.commands.Load())
		}},
		{"Replication", func() string { return lines("role", "master", "connected_slaves", 0) }},
		{"Cluster", func() string { return lines("cluster_enabled", 1) }},
		{"Keyspace", func() string {
			n := int64(0)
			for _, f := range s.backend.filled() {
				n += f.keys
			}
			if n > 0 {
				return fmt.Sprintf("db0:keys=%d,expires=0,avg_ttl=0\r\n", n)
			}
			return ""
		}},
	}
}

// config is CONFIG GET of what tools ask for; nothing can be set.
func (c *client) config(args [][]byte) {
	switch name := sub(args); {
	case name == "get" && len(args) > 2:
		c.configGet(args[2:])
	case name == "resetstat" && len(args) == 2:
		c.w.OK()
	case name == "set" && len(args) > 3:
		c.w.Error("ERR CONFIG SET is not served: the node's flags are its configuration")
	default:
		c.badSub(args)
	}
}

func (c *client) configGet(patterns [][]byte) {
	var found [][2]string
	for _, pair := range [][2]string{
		{"appendonly", "no"}, {"bind", c.srv.host}, {"cluster-enabled", "yes"}, {"databases", "1"},
		{"maxclients", fmt.Sprint(maxClients)}, {"maxmemory", "0"}, {"maxmemory-policy", "noeviction"},
		{"port", fmt.Sprint(c.srv.port)}, {"save", ""}, {"timeout", "0"},
	} {
		for _, p := range patterns {
			if matches(p, pair[0]) {
				found = append(found, pair)
				break
			}
		}
	}
	c.w.Map(len(found))
	for _, pair := range found {
		c.w.Text(pair[0])
		c.w.Text(pair[1])
	}
}

// about is the line of CLIENT INFO.
func (c *client) about() string {
	version := 2
	if c.w.V3 {
		version = 3
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d db=0 lib-name=%s resp=%d",
		c.id, c.conn.RemoteAddr(), c.conn.NetConn().LocalAddr(), c.name, int(time.Since(c.since).Seconds()), c.lib, version)
}

func (c *client) time([][]byte) {
	now := time.Now()
	c.w.Array(2)
	c.w.Text(fmt.Sprint(now.Unix()))
	c.w.Text(fmt.Sprint(now.Nanosecond() / 1000))
}
