package layers

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPureReachesNoIO(t *testing.T) {
	pkgs := load(t)
	for _, p := range pkgs {
		l, _ := layerOf(p.dir())
		if p.dir() == "" || !l.Pure {
			continue
		}
		for ban, why := range PureBans() {
			for _, dep := range p.Deps {
				if dep == ban || ban != "net" && within(dep, ban) {
					t.Errorf("%s reaches %s: %s", p.dir(), dep, why)
				}
			}
		}
	}
}

func TestPureSource(t *testing.T) {
	pkgs := load(t)
	seen := 0
	for _, p := range pkgs {
		if l, _ := layerOf(p.dir()); p.dir() == "" || !l.Pure {
			continue
		}
		seen++
		for _, f := range impurities(t, pkgs, p.ImportPath, sources(t, p)) {
			t.Errorf("%s", f)
		}
	}
	if seen == 0 {
		t.Fatal("no pure package was checked")
	}
}

// TestImpuritiesAreFound proves that the check can fail.
func TestImpuritiesAreFound(t *testing.T) {
	const src = `package p
import ("math/rand/v2"; "sync"; "time")
var mu sync.Mutex
func f(m map[int]int, c chan int) {
	go f(nil, nil)
	_ = time.Now()
	now := time.Since
	_ = now
	_ = rand.IntN(3)
	_ = rand.New(rand.NewPCG(1, 2)).IntN(3)
	for range m {}
	for range m {} // order: nothing leaves the loop
	// order: sorted below
	for range m {}
	select {}
	c <- 1
	<-c
}`
	got := impurities(t, load(t), "p", map[string]string{"p.go": src})
	want := []string{
		"p.go:2: import of sync", "p.go:4: channel type", "p.go:5: go statement", "p.go:6: time.Now",
		"p.go:7: time.Since", "p.go:9: rand.IntN", "p.go:11: range over a map", "p.go:15: select statement",
		"p.go:16: channel send", "p.go:17: channel receive",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("impurities:\n got %q\nwant %q", got, want)
	}
}

func sources(t *testing.T, p *pkg) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[p.dir()+"/"+name] = string(text)
	}
	return out
}

// impurities type-checks one package and lists what pure code may not do.
func impurities(t *testing.T, pkgs map[string]*pkg, importPath string, files map[string]string) []string {
	t.Helper()
	c := &checker{fset: token.NewFileSet(), info: types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
	}}
	var parsed []*ast.File
	for _, name := range slices.Sorted(keys(files)) {
		f, err := parser.ParseFile(c.fset, name, files[name], parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	conf := types.Config{Importer: importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if p := pkgs[path]; p != nil && p.Export != "" {
			return os.Open(p.Export)
		}
		return nil, fmt.Errorf("no export data for %s", path)
	})}
	if _, err := conf.Check(importPath, c.fset, parsed, &c.info); err != nil {
		t.Fatal(err)
	}
	for _, f := range parsed {
		c.file(f)
	}
	return c.found
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checker collects the impurities of one package.
type checker struct {
	fset    *token.FileSet
	info    types.Info
	ordered map[int]bool // lines of the current file that an order comment covers
	found   []string
}

func (c *checker) report(n ast.Node, format string, args ...any) {
	p := c.fset.Position(n.Pos())
	c.found = append(c.found, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

func (c *checker) file(f *ast.File) {
	c.ordered = map[int]bool{}
	for _, g := range f.Comments {
		for _, line := range g.List {
			if strings.HasPrefix(line.Text, "// order: ") {
				at := c.fset.Position(line.Pos()).Line
				c.ordered[at] = true
				c.ordered[c.fset.Position(g.End()).Line+1] = true
			}
		}
	}
	for _, imp := range f.Imports {
		switch p := strings.Trim(imp.Path.Value, `"`); p {
		case "sync", "sync/atomic", "os", "net", "log/slog", "crypto/rand":
			c.report(imp, "import of %s", p)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool { c.node(n); return true })
}

func (c *checker) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.report(n, "go statement")
	case *ast.ChanType:
		c.report(n, "channel type")
	case *ast.SelectStmt:
		c.report(n, "select statement")
	case *ast.SendStmt:
		c.report(n, "channel send")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			c.report(n, "channel receive")
		}
	case *ast.RangeStmt:
		c.rangeStmt(n)
	case *ast.Ident:
		c.use(n)
	}
}

func (c *checker) rangeStmt(n *ast.RangeStmt) {
	_, isMap := c.info.TypeOf(n.X).Underlying().(*types.Map)
	if isMap && !c.ordered[c.fset.Position(n.Pos()).Line] {
		c.report(n, "range over a map")
	}
}

// use reports the functions of time and math/rand that read a global source.
func (c *checker) use(id *ast.Ident) {
	f, ok := c.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return
	}
	switch f.Pkg().Path() {
	case "time":
		switch f.Name() {
		case "Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep":
			c.report(id, "time.%s", f.Name())
		}
	case "math/rand", "math/rand/v2":
		if !strings.HasPrefix(f.Name(), "New") {
			c.report(id, "rand.%s", f.Name())
		}
	}
}
