// Package layers holds the rules on what may import what, and the tests that
// keep them: imports point one way, the cores stay pure, the libraries stay
// light, and every dependency has its line of reason in docs/dependencies.md.
//
// When a test here fails, move the code rather than the rule. A rule that has
// become wrong is changed together with docs/architecture.md.
package layers

// Module is the path of the root module.
const Module = "github.com/pando-go/pando"

// Layer says what one folder of the root module may import of our own.
type Layer struct {
	// Dir is the folder, with everything below it unless a longer Dir fits.
	Dir string
	// Imports are the folders, each with everything below, that it may import
	// beside itself.
	Imports []string
	// Pure code has no I/O, clock, goroutine, lock or global randomness.
	Pure bool
	// Program code is a command or an example: it may use command-line, web
	// and browser packages.
	Program bool
	// Support code is for tests: it may link the testing package and go-cmp, and
	// only tests and other support code may import it.
	Support bool
}

// Layers lists every folder, lowest first.
func Layers() []Layer {
	return []Layer{
		{Dir: "mailbox"},
		{Dir: "actor", Imports: []string{"mailbox"}},
		{Dir: "actor/actortest", Imports: []string{"actor", "mailbox"}, Support: true},
		{Dir: "remote", Imports: []string{"actor", "mailbox"}},
		{Dir: "remote/internal/cmd", Imports: []string{"remote", "actor"}, Program: true},
		{Dir: "remote/reliable/internal/flow", Pure: true},
		{Dir: "remote/reliable", Imports: []string{"actor", "remote/reliable/internal"}},
		{Dir: "remote/reliable/queuetest", Imports: []string{"remote/reliable"}, Support: true},
		{Dir: "clusterd/engine/member", Pure: true},
		{Dir: "clusterd/engine", Imports: []string{"clusterd/engine"}, Pure: true},
		{Dir: "clusterd/slots", Imports: []string{"clusterd/engine/member"}, Pure: true},
		{Dir: "seedjoin", Imports: []string{"clusterd/engine/member", "clusterd/engine/rules"}, Pure: true},
		{Dir: "seedjoin/discovery", Imports: []string{"clusterd/engine/member", "seedjoin/discovery"}},
		{Dir: "clusterd/internal/core", Imports: []string{"clusterd/engine", "seedjoin"}, Pure: true},
		{Dir: "clusterd/internal/wire", Imports: []string{"clusterd/internal/core", "clusterd/engine", "seedjoin"}},
		{Dir: "clusterd/internal/layers"},
		{Dir: "clusterd/sim/cmd", Imports: []string{"clusterd/sim", "clusterd/engine", "clusterd/internal"}, Program: true},
		{Dir: "clusterd/sim", Imports: []string{"clusterd/internal/core", "clusterd/engine", "seedjoin"}, Pure: true},
		{Dir: "clusterd/lease", Imports: []string{"clusterd/lease", "clusterd/engine", "seedjoin/discovery"}},
		{Dir: "clusterd", Imports: []string{"actor", "remote", "clusterd/engine", "clusterd/internal", "clusterd/lease", "seedjoin"}},
		{Dir: "clusterd/internal/harness"},
		{Dir: "clusterd/internal/race"},
		{Dir: "clusterd/internal/hosts", Support: true},
		{Dir: "clusterd/clustertest", Imports: []string{"clusterd", "mailbox", "remote/memnet"}, Support: true},
		{Dir: "clusterd/sharding/internal/homes", Imports: []string{"clusterd/slots", "clusterd/engine"}, Pure: true},
		{Dir: "clusterd/sharding/store/storetest", Imports: []string{"clusterd/sharding/store"}, Support: true},
		{Dir: "clusterd/sharding/internal/groups", Imports: []string{"clusterd/sharding/internal/groupspb"}, Pure: true},
		{Dir: "clusterd/sharding/internal/trial", Imports: []string{"actor", "clusterd"}, Program: true},
		{Dir: "clusterd/sharding/internal/cmd", Imports: []string{"actor", "clusterd"}, Program: true},
		{Dir: "clusterd/sharding", Imports: []string{"actor", "mailbox", "clusterd", "clusterd/slots", "clusterd/engine"}},
		{Dir: "examples", Imports: []string{"actor", "mailbox", "remote", "clusterd"}, Program: true},
	}
}

// Bans lists packages, each with everything below it, that no library may
// import, with the reason.
func Bans() map[string]string {
	const protoactor = "github.com/asynkron/protoactor-go/"
	return map[string]string{
		protoactor + "remote":        "Pando has its own transport",
		protoactor + "cluster":       "it brings Consul, etcd and Kubernetes clients",
		protoactor + "router":        "its routers race",
		protoactor + "plugin":        "it leaks a goroutine a timer",
		protoactor + "persistence":   "it ends the process on errors",
		"github.com/coder/websocket": "web packages belong into examples and commands",
		"golang.org/x/term":          "terminals belong into examples and commands",
		"github.com/chromedp":        "browsers belong into nested test modules",
		"github.com/alecthomas/kong": "command lines belong into commands",
		"github.com/urfave/cli":      "command lines belong into commands",
		"flag":                       "command lines belong into commands",
	}
}

// PureBans lists packages that pure code may not reach, not even through others.
func PureBans() map[string]string {
	return map[string]string{
		"net":                               "pure code has no sockets",
		"github.com/asynkron/protoactor-go": "pure code has no actors",
		"log/slog":                          "pure code returns events, shells log them",
	}
}

// SupportBans lists packages that only tests and support code may link. The
// folders of support code are among them without being listed here.
func SupportBans() map[string]string {
	const why = "what only tests need must not be linked into a program"
	return map[string]string{
		"testing":                            why,
		"github.com/google/go-cmp":           why,
		"google.golang.org/protobuf/testing": why,
		"go.uber.org/goleak":                 why,
	}
}
