package main

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// verb is a command that is not about the keys of one slot.
type verb struct {
	name  string
	arity int // as that of a store.Command
	flags verbFlags
	words []string // flags as COMMAND lists them
	run   func(*client, [][]byte)
}

type verbFlags uint8

const (
	duringMulti verbFlags = 1 << iota // done at once, also after MULTI
	neverQueued                       // refused after MULTI
)

func (v *verb) check(args [][]byte) (fault string) {
	if n := len(args); n == v.arity || v.arity < 0 && n >= -v.arity {
		return ""
	}
	return "ERR wrong number of arguments for '" + v.name + "' command"
}

// call runs the verb if the number of words is right.
func (v *verb) call(c *client, args [][]byte) {
	if fault := v.check(args); fault != "" {
		if c.tx != nil {
			c.tx.spoilt = true
		}
		c.w.Error(fault)
		return
	}
	v.run(c, args)
}

// verbs lists them by name.
func verbs() []*verb {
	stale := []string{"loading", "stale", "fast"}
	connection := []string{"noscript", "loading", "stale", "fast", "no_auth", "allow_busy"}
	multi := []string{"noscript", "loading", "stale", "fast", "allow_busy"}
	return []*verb{
		{"asking", 1, 0, []string{"fast"}, (*client).asking},
		{"auth", -2, neverQueued, connection, (*client).auth},
		{"client", -2, 0, nil, (*client).client},
		{"cluster", -2, 0, nil, (*client).cluster},
		{"command", -1, 0, []string{"loading", "stale"}, (*client).command},
		{"config", -2, 0, nil, (*client).config},
		{"dbsize", 1, 0, []string{"readonly", "fast"}, (*client).dbsize},
		{"discard", 1, duringMulti, multi, (*client).discard},
		{"echo", 2, 0, stale, (*client).echo},
		{"exec", 1, duringMulti, []string{"noscript", "loading", "stale", "skip_slowlog"}, (*client).exec},
		{"flushall", -1, 0, []string{"write"}, (*client).flush},
		{"flushdb", -1, 0, []string{"write"}, (*client).flush},
		{"hello", -1, neverQueued, connection, (*client).hello},
		{"info", -1, 0, []string{"loading", "stale"}, (*client).info},
		{"keys", 2, 0, []string{"readonly"}, (*client).keys},
		{"multi", 1, duringMulti, multi, (*client).multi},
		{"ping", -1, 0, []string{"fast"}, (*client).ping},
		{"quit", -1, duringMulti, connection, (*client).quit},
		{"randomkey", 1, 0, []string{"readonly"}, (*client).randomKey},
		{"readonly", 1, 0, stale, (*client).readOnly},
		{"readwrite", 1, 0, stale, (*client).readWrite},
		{"reset", 1, duringMulti, connection, (*client).reset},
		{"role", 1, 0, []string{"noscript", "loading", "stale", "fast"}, (*client).role},
		{"scan", -2, 0, []string{"readonly"}, (*client).scan},
		{"select", 2, 0, stale, (*client).selectDB},
		{"time", 1, 0, stale, (*client).time},
		{"unwatch", 1, 0, multi, (*client).unwatch},
		{"wait", 3, 0, []string{"noscript"}, (*client).wait},
		{"watch", -2, duringMulti, multi, (*client).watch},
	}
}

// verbIndex finds verbs by name. It never changes; it is filled here and not in
// verbs, which refers to methods that look into it.
type verbIndex map[string]*verb

func newVerbIndex() verbIndex {
	index := verbIndex{}
	for _, v := range verbs() {
		index[v.name] = v
	}
	return index
}

// find finds a verb by its name in any case, nil if there is none.
func (x verbIndex) find(name []byte) *verb {
	var small [16]byte
	if len(name) > len(small) {
		return nil
	}
	for i, b := range name {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		small[i] = b
	}
	return x[string(small[:len(name)])]
}

// sub is the second word in small letters.
func sub(args [][]byte) string { return strings.ToLower(string(args[1])) }

// badSub is the error for a second word that is not known, or that has not the
// right number of words behind it.
func (c *client) badSub(args [][]byte) {
	c.w.Error("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try " + strings.ToUpper(string(args[0])) + " HELP.")
}

func (c *client) ping(args [][]byte) {
	switch len(args) {
	case 1:
		c.w.Status("PONG")
	case 2:
		c.w.Bulk(args[1])
	default:
		c.w.Error("ERR wrong number of arguments for 'ping' command")
	}
}

func (c *client) echo(args [][]byte) { c.w.Bulk(args[1]) }

func (c *client) quit([][]byte) {
	c.closing = true
	c.w.OK()
}

func (c *client) reset([][]byte) {
	c.tx, c.watches, c.readonly, c.name, c.w.V3 = nil, nil, false, "", false
	c.w.Status("RESET")
}

func (c *client) auth(args [][]byte) {
	if len(args) > 3 {
		c.w.Error(errSyntax)
		return
	}
	c.w.Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
}

func (c *client) selectDB(args [][]byte) {
	switch string(args[1]) {
	case "0":
		c.w.OK()
	default:
		c.w.Error("ERR SELECT is not allowed in cluster mode")
	}
}

func (c *client) readOnly([][]byte)  { c.readonly = true; c.w.OK() }
func (c *client) readWrite([][]byte) { c.readonly = false; c.w.OK() }

// asking is taken and means nothing: a slot moves in one instant, so nobody is
// ever told to ask.
func (c *client) asking([][]byte) { c.w.OK() }

// hello is HELLO [version [AUTH user password] [SETNAME name]].
func (c *client) hello(args [][]byte) {
	v3, name := c.w.V3, c.name
	if len(args) > 1 {
		switch string(args[1]) {
		case "2":
			v3 = false
		case "3":
			v3 = true
		default:
			c.w.Error("NOPROTO unsupported protocol version")
			return
		}
	}
	for i := 2; i < len(args); i++ {
		switch option := strings.ToLower(string(args[i])); {
		case option == "setname" && i+1 < len(args):
			i++
			name = string(args[i])
		case option == "auth" && i+2 < len(args) && string(args[i+1]) == "default":
			i += 2 // the default user needs no password, so any is right
		case option == "auth" && i+2 < len(args):
			c.w.Error("WRONGPASS invalid username-password pair or user is disabled.")
			return
		default:
			c.w.Error("ERR Syntax error in HELLO option '" + string(args[i]) + "'")
			return
		}
	}
	c.w.V3, c.name = v3, name
	c.greet()
}

func (c *client) greet() {
	c.w.Map(7)
	c.w.Text("server")
	c.w.Text("redis")
	c.w.Text("version")
	c.w.Text(redisVersion)
	c.w.Text("proto")
	if c.w.V3 {
		c.w.Int(3)
	} else {
		c.w.Int(2)
	}
	c.w.Text("id")
	c.w.Int(c.id)
	c.w.Text("mode")
	c.w.Text("cluster")
	c.w.Text("role")
	c.w.Text("master")
	c.w.Text("modules")
	c.w.Array(0)
}

// client is CLIENT.
func (c *client) client(args [][]byte) {
	switch n := len(args); sub(args) {
	case "id":
		c.w.Int(c.id)
	case "getname":
		if c.name == "" {
			c.w.Null()
			return
		}
		c.w.Text(c.name)
	case "setname":
		if n != 3 || strings.ContainsAny(string(args[2]), " \n\r") {
			c.w.Error("ERR Client names cannot contain spaces, newlines or special characters.")
			return
		}
		c.name = string(args[2])
		c.w.OK()
	case "setinfo":
		if n != 4 {
			c.badSub(args)
			return
		}
		c.lib = string(args[3])
		c.w.OK()
	case "info":
		c.w.Verbatim(c.about() + "\n")
	case "list":
		c.w.Verbatim(c.about() + "\n")
	case "no-evict", "no-touch":
		c.w.OK()
	default:
		c.badSub(args)
	}
}

// role is ROLE: every node has slots of its own.
func (c *client) role([][]byte) {
	c.w.Array(3)
	c.w.Text("master")
	c.w.Int(0)
	c.w.Array(0)
}

// wait is WAIT replicas milliseconds: for all slots that this connection has
// written to since it last asked.
func (c *client) wait(args [][]byte) {
	want, err := strconv.Atoi(string(args[1]))
	millis, err2 := strconv.ParseInt(string(args[2]), 10, 32)
	switch {
	case err != nil || err2 != nil:
		c.w.Error(errInteger)
		return
	case millis < 0:
		c.w.Error("ERR timeout is negative")
		return
	}
	limit := time.Duration(millis) * time.Millisecond
	if limit == 0 || limit > askTime {
		limit = askTime
	}
	end, have := time.Now().Add(limit), -1
	for slot := range c.wrote {
		n := c.srv.backend.wait(slot, want, max(time.Until(end), time.Millisecond))
		if have < 0 || n < have {
			have = n
		}
	}
	clear(c.wrote)
	c.w.Int(int64(max(have, 0)))
}

// command is COMMAND.
func (c *client) command(args [][]byte) {
	all := c.srv.entries
	if len(args) == 1 {
		c.w.Array(len(all))
		for _, e := range all {
			e.write(&c.w)
		}
		return
	}
	switch sub(args) {
	case "count":
		c.w.Int(int64(len(all)))
	case "list":
		c.w.Array(len(all))
		for _, e := range all {
			c.w.Text(e.name)
		}
	case "docs":
		c.w.Map(0)
	case "info":
		c.commandInfo(args[2:])
	case "getkeys":
		c.commandKeys(args[2:])
	default:
		c.badSub(args)
	}
}

func (c *client) commandInfo(names [][]byte) {
	if len(names) == 0 {
		c.command([][]byte{nil})
		return
	}
	c.w.Array(len(names))
	for _, name := range names {
		i := slices.IndexFunc(c.srv.entries, func(e entry) bool { return e.name == strings.ToLower(string(name)) })
		if i < 0 {
			c.w.NullArray()
			continue
		}
		c.srv.entries[i].write(&c.w)
	}
}
