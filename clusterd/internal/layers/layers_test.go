package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// pkg is what `go list -json` tells of one package.
type pkg struct {
	ImportPath   string
	Dir          string
	Export       string
	Name         string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
	Standard     bool
}

// dir is the folder of a package of ours below the module's root, else "".
func (p *pkg) dir() string {
	rest, ok := strings.CutPrefix(p.ImportPath, Module+"/")
	if !ok {
		return ""
	}
	return rest
}

// loadModule lists all packages of the root module and all they depend on.
var loadModule = sync.OnceValues(func() (map[string]*pkg, error) {
	cmd := exec.Command("go", "list", "-deps", "-export",
		"-json=ImportPath,Dir,Export,Name,GoFiles,Imports,TestImports,XTestImports,Deps,Standard", Module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go list: " + stderr.String())
	}
	pkgs := map[string]*pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		if err := dec.Decode(p); err == io.EOF {
			return pkgs, nil
		} else if err != nil {
			return nil, err
		}
		pkgs[p.ImportPath] = p
	}
})

func load(t *testing.T) map[string]*pkg {
	t.Helper()
	pkgs, err := loadModule()
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// root is the module's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// layerOf returns the rule with the longest fitting Dir.
func layerOf(dir string) (Layer, bool) {
	var best Layer
	for _, l := range Layers() {
		if within(dir, l.Dir) && len(l.Dir) > len(best.Dir) {
			best = l
		}
	}
	return best, best.Dir != ""
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range load(t) {
		dir := p.dir()
		if dir == "" {
			continue
		}
		l, ok := layerOf(dir)
		if !ok {
			t.Errorf("%s has no layer: give it one in layers.Layers", dir)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, Module+"/")
			if ours && !mayImport(l, to) {
				t.Errorf("%s imports %s, which layer %s does not allow", dir, to, l.Dir)
			}
		}
	}
}

func mayImport(l Layer, to string) bool {
	if own, _ := layerOf(to); own.Dir == l.Dir {
		return true
	}
	for _, d := range l.Imports {
		if within(to, d) {
			return true
		}
	}
	return false
}

func TestEveryLayerExists(t *testing.T) {
	pkgs := load(t)
	for _, l := range Layers() {
		found := false
		for _, p := range pkgs {
			found = found || p.dir() != "" && within(p.dir(), l.Dir)
		}
		if !found {
			t.Errorf("layer %s has no package", l.Dir)
		}
	}
}

func TestLibrariesStayLight(t *testing.T) {
	pkgs := load(t)
	for _, p := range pkgs {
		l, _ := layerOf(p.dir())
		if p.dir() == "" || l.Program {
			continue
		}
		for ban, why := range Bans() {
			if imp := firstWithin(ownDeps(pkgs, p), ban); imp != "" {
				t.Errorf("%s reaches %s: %s", p.dir(), imp, why)
			}
		}
	}
}

func TestOnlyTestsLinkTestCode(t *testing.T) {
	bans := SupportBans()
	for _, l := range Layers() {
		if l.Support {
			bans[Module+"/"+l.Dir] = "support code is for tests"
		}
	}
	pkgs := load(t)
	for _, p := range pkgs {
		l, _ := layerOf(p.dir())
		if p.dir() == "" || l.Support {
			continue
		}
		for ban, why := range bans {
			if imp := firstWithin(ownDeps(pkgs, p), ban); imp != "" {
				t.Errorf("%s reaches %s: %s", p.dir(), imp, why)
			}
		}
	}
}

// ownDeps returns the imports of p and of all packages of ours below it: what
// protoactor-go itself imports is not ours to choose.
func ownDeps(pkgs map[string]*pkg, p *pkg) []string {
	imports := append([]string(nil), p.Imports...)
	for _, d := range p.Deps {
		if dep := pkgs[d]; dep != nil && dep.dir() != "" {
			imports = append(imports, dep.Imports...)
		}
	}
	return imports
}

func firstWithin(imports []string, ban string) string {
	for _, imp := range imports {
		if within(imp, ban) {
			return imp
		}
	}
	return ""
}

func TestTopLevel(t *testing.T) {
	allowed := map[string]bool{}
	for _, name := range strings.Fields("go.mod go.sum actor mailbox remote clusterd seedjoin examples docs README.md LICENSE CHANGELOG.md CONTRIBUTING.md") {
		allowed[name] = true
	}
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !allowed[e.Name()] {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}

// TestDependenciesHaveReasons compares the direct requirements of go.mod with
// the lines of docs/dependencies.md.
func TestDependenciesHaveReasons(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root(t), "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range strings.Fields(string(out)) {
		if !bytes.Contains(doc, []byte("`"+mod+"`")) {
			t.Errorf("docs/dependencies.md gives no reason for %s", mod)
		}
	}
}

// TestNestedModules checks that each nested module builds against this tree.
func TestNestedModules(t *testing.T) {
	top := root(t)
	err := filepath.WalkDir(top, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != top {
			return filepath.SkipDir
		}
		if d.Name() != "go.mod" || filepath.Dir(name) == top {
			return nil
		}
		rel, err := filepath.Rel(top, filepath.Dir(name))
		if err != nil {
			return err
		}
		up := path.Clean(strings.Repeat("../", strings.Count(filepath.ToSlash(rel), "/")+1))
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte("module "+Module+"/"+filepath.ToSlash(rel)+"\n")) {
			t.Errorf("%s/go.mod: module path does not follow its folder", rel)
		}
		if !bytes.Contains(text, []byte("replace "+Module+" => "+up)) {
			t.Errorf("%s/go.mod: want replace %s => %s", rel, Module, up)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
