package store

import (
	"strings"
)

// Flags say what a command is like, in the words of COMMAND.
type Flags uint8

// The flags.
const (
	Write    Flags = 1 << iota // may change keys
	ReadOnly                   // never does
	DenyOOM                    // may need memory
	Fast                       // takes about the same time whatever the keys hold
	Movable                    // its keys stand where its other words say
	Internal                   // of this server's own nodes: a client cannot say it
)

// Names are the flags' names, in the order in which COMMAND lists them.
func (f Flags) Names() []string {
	var names []string
	for i, name := range []string{"write", "readonly", "denyoom", "fast", "movablekeys"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Command is one command on keys.
type Command struct {
	Name  string // in small letters
	Arity int    // number of words, the name included; negative = at least
	Flags Flags
	// The keys are the words from First to Last, every Step-th; a negative Last
	// counts from the end. 0 without keys.
	First, Last, Step int
	run               func(*call)
}

// Takes tells whether the command can have so many words.
func (c *Command) Takes(words int) bool {
	return words == c.Arity || c.Arity < 0 && words >= -c.Arity
}

// WrongArity is the error for another number of words.
func (c *Command) WrongArity() string {
	return "ERR wrong number of arguments for '" + c.Name + "' command"
}

// Keys appends the command's keys to list. args must have a number of words that
// the command takes.
func (c *Command) Keys(list [][]byte, args [][]byte) [][]byte {
	if c.Flags&Movable != 0 {
		return append(list, numbered(args)...)
	}
	last := c.Last
	if last < 0 {
		last += len(args)
	}
	for i := c.First; c.First > 0 && i <= last && i < len(args); i += c.Step {
		list = append(list, args[i])
	}
	return list
}

// numbered are the keys behind a word that says how many there are.
func numbered(args [][]byte) [][]byte {
	n, ok := parseInt(args[1])
	if !ok || n < 1 || n > int64(len(args)-2) {
		return nil
	}
	return args[2 : 2+n]
}

// longest is the length of the longest name.
const longest = 16

// Lookup finds a command by its name in any case, nil if there is none.
func Lookup(name []byte) *Command {
	var small [longest]byte
	if len(name) > longest {
		return nil
	}
	for i, b := range name {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		small[i] = b
	}
	return commands[string(small[:len(name)])]
}

// Commands lists all commands that clients may say, in no order.
func Commands() []*Command {
	var list []*Command
	for _, c := range commands {
		if c.Flags&Internal == 0 {
			list = append(list, c)
		}
	}
	return list
}

// commands never changes.
var commands = table(
	// strings
	one("append", 3, Write|DenyOOM|Fast, (*call).append),
	one("decr", 2, Write|DenyOOM|Fast, (*call).decr),
	one("decrby", 3, Write|DenyOOM|Fast, (*call).decrby),
	one("get", 2, ReadOnly|Fast, (*call).get),
	one("getdel", 2, Write|Fast, (*call).getdel),
	one("getex", -2, Write|Fast, (*call).getex),
	one("getrange", 4, ReadOnly, (*call).getrange),
	one("getset", 3, Write|DenyOOM|Fast, (*call).getset),
	one("incr", 2, Write|DenyOOM|Fast, (*call).incr),
	one("incrby", 3, Write|DenyOOM|Fast, (*call).incrby),
	one("incrbyfloat", 3, Write|DenyOOM|Fast, (*call).incrbyfloat),
	all("mget", -2, ReadOnly|Fast, 1, (*call).mget),
	all("mset", -3, Write|DenyOOM, 2, (*call).mset),
	all("msetnx", -3, Write|DenyOOM, 2, (*call).msetnx),
	one("psetex", 4, Write|DenyOOM, (*call).psetex),
	one("set", -3, Write|DenyOOM, (*call).set),
	one("setex", 4, Write|DenyOOM, (*call).setex),
	one("setnx", 3, Write|DenyOOM|Fast, (*call).setnx),
	one("setrange", 4, Write|DenyOOM, (*call).setrange),
	one("strlen", 2, ReadOnly|Fast, (*call).strlen),
	one("substr", 4, ReadOnly, (*call).getrange),
	// keys
	two("copy", -3, Write|DenyOOM, (*call).copy),
	all("del", -2, Write, 1, (*call).del),
	all("exists", -2, ReadOnly|Fast, 1, (*call).exists),
	one("expire", -3, Write|Fast, (*call).expire),
	one("expireat", -3, Write|Fast, (*call).expireat),
	one("expiretime", 2, ReadOnly|Fast, (*call).expiretime),
	one("persist", 2, Write|Fast, (*call).persist),
	one("pexpire", -3, Write|Fast, (*call).pexpire),
	one("pexpireat", -3, Write|Fast, (*call).pexpireat),
	one("pexpiretime", 2, ReadOnly|Fast, (*call).pexpiretime),
	one("pttl", 2, ReadOnly|Fast, (*call).pttl),
	two("rename", 3, Write, (*call).rename),
	two("renamenx", 3, Write|Fast, (*call).renamenx),
	all("touch", -2, ReadOnly|Fast, 1, (*call).exists),
	one("ttl", 2, ReadOnly|Fast, (*call).ttl),
	one("type", 2, ReadOnly|Fast, (*call).kind),
	all("unlink", -2, Write|Fast, 1, (*call).del),
	// hashes
	one("hdel", -3, Write|Fast, (*call).hdel),
	one("hexists", 3, ReadOnly|Fast, (*call).hexists),
	one("hget", 3, ReadOnly|Fast, (*call).hget),
	one("hgetall", 2, ReadOnly, (*call).hgetall),
	one("hincrby", 4, Write|DenyOOM|Fast, (*call).hincrby),
	one("hincrbyfloat", 4, Write|DenyOOM|Fast, (*call).hincrbyfloat),
	one("hkeys", 2, ReadOnly, (*call).hkeys),
	one("hlen", 2, ReadOnly|Fast, (*call).hlen),
	one("hmget", -3, ReadOnly|Fast, (*call).hmget),
	one("hmset", -4, Write|DenyOOM|Fast, (*call).hset),
	one("hrandfield", -2, ReadOnly, (*call).hrandfield),
	one("hscan", -3, ReadOnly, (*call).hscan),
	one("hset", -4, Write|DenyOOM|Fast, (*call).hset),
	one("hsetnx", 4, Write|DenyOOM|Fast, (*call).hsetnx),
	one("hstrlen", 3, ReadOnly|Fast, (*call).hstrlen),
	one("hvals", 2, ReadOnly, (*call).hvals),
	// lists
	one("lindex", 3, ReadOnly, (*call).lindex),
	one("linsert", 5, Write|DenyOOM, (*call).linsert),
	one("llen", 2, ReadOnly|Fast, (*call).llen),
	two("lmove", 5, Write|DenyOOM, (*call).lmove),
	one("lpop", -2, Write|Fast, (*call).lpop),
	one("lpos", -3, ReadOnly, (*call).lpos),
	one("lpush", -3, Write|DenyOOM|Fast, (*call).lpush),
	one("lpushx", -3, Write|DenyOOM|Fast, (*call).lpushx),
	one("lrange", 4, ReadOnly, (*call).lrange),
	one("lrem", 4, Write, (*call).lrem),
	one("lset", 4, Write|DenyOOM, (*call).lset),
	one("ltrim", 4, Write, (*call).ltrim),
	one("rpop", -2, Write|Fast, (*call).rpop),
	two("rpoplpush", 3, Write|DenyOOM, (*call).rpoplpush),
	one("rpush", -3, Write|DenyOOM|Fast, (*call).rpush),
	one("rpushx", -3, Write|DenyOOM|Fast, (*call).rpushx),
	// sets
	one("sadd", -3, Write|DenyOOM|Fast, (*call).sadd),
	one("scard", 2, ReadOnly|Fast, (*call).scard),
	all("sdiff", -2, ReadOnly, 1, (*call).sdiff),
	all("sdiffstore", -3, Write|DenyOOM, 1, (*call).sdiffstore),
	all("sinter", -2, ReadOnly, 1, (*call).sinter),
	&Command{Name: "sintercard", Arity: -3, Flags: ReadOnly | Movable, run: (*call).sintercard},
	all("sinterstore", -3, Write|DenyOOM, 1, (*call).sinterstore),
	one("sismember", 3, ReadOnly|Fast, (*call).sismember),
	one("smembers", 2, ReadOnly, (*call).smembers),
	one("smismember", -3, ReadOnly|Fast, (*call).smismember),
	two("smove", 4, Write|Fast, (*call).smove),
	one("spop", -2, Write|Fast, (*call).spop),
	one("srandmember", -2, ReadOnly, (*call).srandmember),
	one("srem", -3, Write|Fast, (*call).srem),
	one("sscan", -3, ReadOnly, (*call).sscan),
	all("sunion", -2, ReadOnly, 1, (*call).sunion),
	all("sunionstore", -3, Write|DenyOOM, 1, (*call).sunionstore),
	// what nodes ask of a slot
	&Command{Name: "@count", Arity: 1, Flags: ReadOnly | Internal, run: (*call).slotCount},
	one("@get", 2, ReadOnly|Fast|Internal, (*call).valueOf),
	&Command{Name: "@flush", Arity: 1, Flags: Write | Internal, run: (*call).slotFlush},
	&Command{Name: "@random", Arity: 1, Flags: ReadOnly | Internal, run: (*call).slotRandom},
	&Command{Name: "@scan", Arity: -2, Flags: ReadOnly | Internal, run: (*call).slotScan},
)

func one(name string, arity int, f Flags, run func(*call)) *Command {
	return &Command{name, arity, f, 1, 1, 1, run}
}

func two(name string, arity int, f Flags, run func(*call)) *Command {
	return &Command{name, arity, f, 1, 2, 1, run}
}

func all(name string, arity int, f Flags, step int, run func(*call)) *Command {
	return &Command{name, arity, f, 1, -1, step, run}
}

func table(list ...*Command) map[string]*Command {
	m := make(map[string]*Command, len(list))
	for _, c := range list {
		if len(c.Name) > longest || c.Name != strings.ToLower(c.Name) {
			panic("store: name of command " + c.Name)
		}
		m[c.Name] = c
	}
	return m
}
