package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// player plays the commands of a script.
type player struct {
	cfg Config
	sim *Sim // nil until a command needs it
}

// ErrCommand is returned for a line of a script that makes no sense.
var ErrCommand = errors.New("sim: not a command")

// play runs one command and returns what it prints.
func (p *player) play(text string) ([]string, error) {
	word, rest, _ := strings.Cut(text, " ")
	args := strings.Fields(rest)
	if done, err := p.configure(word, args); done {
		return nil, err
	}
	p.world()
	if ask, ok := questions[word]; ok {
		ids, err := nodes(args)
		if err != nil {
			return nil, err
		}
		return ask(p.sim, ids), nil
	}
	do, ok := commands[word]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrCommand, word)
	}
	out, err := do(p.sim, args)
	if err == nil {
		err = p.sim.Err()
	}
	return out, err
}

// world makes the world on first use.
func (p *player) world() {
	if p.sim == nil {
		p.sim = New(p.cfg)
	}
}

// configure runs the commands that must come before there is a world.
func (p *player) configure(word string, args []string) (done bool, err error) {
	set, ok := settings[word]
	if !ok {
		return false, nil
	}
	if p.sim != nil || len(args) != 1 {
		return true, fmt.Errorf("%w: %s takes one value and comes before the first start", ErrCommand, word)
	}
	return true, set(&p.cfg, args[0])
}

var settings = map[string]func(*Config, string) error{
	"seed": func(c *Config, v string) (err error) {
		c.Seed, err = strconv.ParseUint(v, 10, 64)
		return err
	},
	"rejoin": func(c *Config, v string) (err error) {
		c.Rejoin, err = time.ParseDuration(v)
		return err
	},
	"skew": func(c *Config, v string) (err error) {
		c.Skew, err = time.ParseDuration(v)
		return err
	},
	"minimum": func(c *Config, v string) (err error) {
		c.MinMembers, err = strconv.Atoi(v)
		return err
	},
	"symmetric": func(c *Config, v string) (err error) {
		c.Symmetric, err = strconv.ParseBool(v)
		return err
	},
	"islands": func(c *Config, v string) error {
		if v != "heal" && v != "report" {
			return fmt.Errorf("%w: islands %s, want heal or report", ErrCommand, v)
		}
		c.ReportIslands = v == "report"
		return nil
	},
	"drift": func(c *Config, v string) (err error) {
		c.Drift, err = strconv.ParseFloat(v, 64)
		if err == nil && (c.Drift < 0 || c.Drift > 0.05) {
			err = fmt.Errorf("%w: drift of %s, want 0 to 0.05", ErrCommand, v)
		}
		return err
	},
	"downing": func(c *Config, v string) (err error) {
		if id, ok := strings.CutPrefix(v, "keep-referee:n"); ok {
			v = "keep-referee:" + host + id
		}
		c.Downing, err = downing.Parse(v)
		return err
	},
	"without": func(c *Config, v string) (err error) {
		c.Without, err = rules.Parse(v)
		return err
	},
	"timing": func(c *Config, v string) error {
		t, ok := map[string]func() engine.Timing{"fast": engine.Fast, "lan": engine.Lan, "wan": engine.Wan}[v]
		if !ok {
			return fmt.Errorf("%w: no timing %s", ErrCommand, v)
		}
		c.Timing = t()
		return nil
	},
}

// questions print something about nodes, all of them if none are named.
var questions = map[string]func(*Sim, []int) []string{
	"state":  (*Sim).stateText,
	"events": (*Sim).eventText,
	"notes":  (*Sim).noteText,
}

var commands = map[string]func(*Sim, []string) ([]string, error){
	"seeds":    spell,
	"name":     rename,
	"alone":    each(quiet((*Sim).FoundAlone)),
	"start":    each(quiet((*Sim).Start)),
	"restart":  each(quiet((*Sim).Start)),
	"crash":    each(quiet((*Sim).Crash)),
	"freeze":   each(quiet((*Sim).Freeze)),
	"thaw":     each(quiet((*Sim).Thaw)),
	"leave":    each((*Sim).Leave),
	"shutdown": each((*Sim).Shutdown),
	"recover":  each((*Sim).Recover),
	"down":     down,
	"cut":      cut,
	"heal":     heal,
	"links":    links,
	"store":    outside,
	"slow":     drag,
	"run":      run,
	"settle":   settle,
	"finish":   finish,
	"calm":     calm,
}

// quiet makes a command of a method that cannot fail.
func quiet(f func(*Sim, int)) func(*Sim, int) error {
	return func(s *Sim, id int) error {
		f(s, id)
		return nil
	}
}

// each makes a command that does the same to all nodes named. What a machine
// refuses is part of the story.
func each(f func(*Sim, int) error) func(*Sim, []string) ([]string, error) {
	return func(s *Sim, args []string) (out []string, err error) {
		ids, err := nodes(args)
		for _, id := range ids {
			if refused := f(s, id); refused != nil {
				out = append(out, refused.Error())
			}
		}
		return out, err
	}
}

// nodes reads names of nodes.
func nodes(args []string) ([]int, error) {
	var ids []int
	for _, a := range args {
		digits, ok := strings.CutPrefix(a, "n")
		id := number(digits)
		if !ok || id == 0 {
			return nil, fmt.Errorf("%w: %s is no node", ErrCommand, a)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func spell(s *Sim, args []string) ([]string, error) {
	var list []string
	for _, a := range args {
		if other, ok := strings.CutPrefix(a, strings.TrimSuffix(alias, ":")); ok {
			a = alias + other
		} else {
			a = strings.Replace(a, "n", host, 1)
		}
		if idOf(a) == 0 {
			return nil, fmt.Errorf("%w: %s is no node", ErrCommand, a)
		}
		list = append(list, a)
	}
	s.Spell(list...)
	return nil, nil
}

func rename(s *Sim, args []string) ([]string, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("%w: name takes a node and a name", ErrCommand)
	}
	ids, err := nodes(args[:1])
	if err == nil {
		s.Rename(ids[0], args[1])
	}
	return nil, err
}

func down(s *Sim, args []string) ([]string, error) {
	ids, err := nodes(slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "at" }))
	if err != nil || len(ids) != 2 {
		return nil, errors.Join(err, fmt.Errorf("%w: down N at M", ErrCommand))
	}
	if refused := s.Down(ids[1], ids[0]); refused != nil {
		return []string{refused.Error()}, nil
	}
	return nil, nil
}

// groups reads `A | B` or `A > B`.
func groups(args []string) (a, b []int, sign string, err error) {
	at := slices.IndexFunc(args, func(s string) bool { return s == "|" || s == ">" })
	if at < 1 || at == len(args)-1 {
		return nil, nil, "", fmt.Errorf("%w: two lists of nodes with | or > between them", ErrCommand)
	}
	a, errA := nodes(args[:at])
	b, errB := nodes(args[at+1:])
	return a, b, args[at], errors.Join(errA, errB)
}

func cut(s *Sim, args []string) ([]string, error) {
	a, b, sign, err := groups(args)
	switch {
	case err != nil:
	case sign == ">":
		s.CutOneWay(a, b)
	default:
		s.Cut(a, b)
	}
	return nil, err
}

func heal(s *Sim, args []string) ([]string, error) {
	if len(args) == 0 {
		s.Heal()
		return nil, nil
	}
	a, b, _, err := groups(args)
	if err == nil {
		s.HealBetween(a, b)
	}
	return nil, err
}

func links(s *Sim, args []string) ([]string, error) {
	l := Link{}
	if len(args) < 3 || len(args)%2 == 0 {
		return nil, fmt.Errorf("%w: links D to D [loss P] [duplicate P] [reorder P]", ErrCommand)
	}
	var errs [3]error
	l.Min, errs[0] = time.ParseDuration(args[0])
	l.Max, errs[1] = time.ParseDuration(args[2])
	for i := 3; i < len(args); i += 2 {
		field, ok := map[string]*float64{"loss": &l.Loss, "duplicate": &l.Duplicate, "reorder": &l.Reorder}[args[i]]
		if !ok {
			return nil, fmt.Errorf("%w: links know no %s", ErrCommand, args[i])
		}
		*field, errs[2] = strconv.ParseFloat(args[i+1], 64)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	s.SetLinks(l)
	return nil, nil
}

// outside cuts nodes off the lease outside the cluster, heals that, or tells who
// holds it.
func outside(s *Sim, args []string) ([]string, error) {
	if len(args) == 0 {
		if id := s.StoreOwner(); id != 0 {
			return []string{name(id) + " holds the lease"}, nil
		}
		return []string{"nobody holds the lease"}, nil
	}
	ids, err := nodes(args[1:])
	switch {
	case err == nil && args[0] == "cut" && len(ids) > 0:
		s.CutStore(ids...)
	case err == nil && args[0] == "heal" && len(ids) == 0:
		s.HealStore()
	default:
		err = errors.Join(err, fmt.Errorf("%w: store, store cut A, or store heal", ErrCommand))
	}
	return nil, err
}

func drag(s *Sim, args []string) ([]string, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("%w: slow A D", ErrCommand)
	}
	d, err := span(args[len(args)-1:])
	ids, wrong := nodes(args[:len(args)-1])
	if err = errors.Join(err, wrong); err != nil || d < 0 {
		return nil, errors.Join(err, fmt.Errorf("%w: slow A D", ErrCommand))
	}
	for _, id := range ids {
		s.Slow(id, d)
	}
	return nil, nil
}

func span(args []string) (time.Duration, error) {
	if len(args) != 1 {
		return 0, fmt.Errorf("%w: one duration", ErrCommand)
	}
	return time.ParseDuration(args[0])
}

func run(s *Sim, args []string) ([]string, error) {
	d, err := span(args)
	if err == nil {
		s.Run(d)
	}
	return nil, err
}

func settle(s *Sim, args []string) ([]string, error) {
	d, err := span(args)
	if err != nil {
		return nil, err
	}
	if !s.Settle(d) {
		return []string{"not calm: " + plain(s.amiss())}, nil
	}
	return nil, s.Calm()
}

func finish(s *Sim, args []string) ([]string, error) {
	d, err := span(args)
	if err == nil {
		err = s.Finish(d)
	}
	return nil, err
}

func calm(s *Sim, args []string) ([]string, error) {
	ids, err := nodes(args)
	if err != nil {
		return nil, err
	}
	return nil, s.Calm(ids...)
}
