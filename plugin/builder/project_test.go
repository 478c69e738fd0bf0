package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

func newProject(t *testing.T) *project {
	return &project{ctx: t.Context(), progress: io.Discard}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	checktest.Must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	checktest.Must(t, os.WriteFile(file, []byte(text), 0o644))
}

// checkout creates a module with our name and changes to it.
func checkout(t *testing.T, parent string) string {
	root := filepath.Join(parent, "check out") // a space in the path is common on desktops
	put(t, filepath.Join(root, "go.mod"), "module "+ourModule+"\n\ngo 1.24\n")
	put(t, filepath.Join(root, "go.sum"), "")
	put(t, filepath.Join(root, "plugin", "version.go"), "package plugin\n\nconst Version = \"1.2.3\"\n")
	put(t, filepath.Join(root, "plugin", "plugin.go"), "package plugin\n\nimport _ \""+ourModule+"/consenter\"\n")
	put(t, filepath.Join(root, "consenter", "consenter.go"), "package consenter\n\nimport _ \"embed\"\n\n//go:embed kafka.yaml\nvar s string\n")
	put(t, filepath.Join(root, "consenter", "kafka.yaml"), "Consensus:\n")
	put(t, filepath.Join(root, ".gitignore"), "/.build/\nlocal.go\n")
	t.Chdir(root)
	return root
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// stamp returns what the version of an orderer shows.
func stamp(t *testing.T) string {
	t.Helper()
	p := newProject(t)
	checktest.Must(t, p.locate())
	return p.origin(&source{version: "v1"})
}

// The version names the options, in an order of their own.
func TestStampNamesOptions(t *testing.T) {
	s := &source{version: "v1"}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.options.AddFlags(flags)
	checktest.Must(t, flags.Parse([]string{"--lean-ledger", "--memo-verify"}))
	p := &project{version: "1.2.3", commit: "abc"}
	if got, want := p.origin(s), "v1 with fabric-kafka 1.2.3 (abc), memo-verify, lean-ledger"; got != want {
		t.Errorf("the version is %q, want %q", got, want)
	}
}

// The version shows a change that is not committed, and differs for two different changes.
func TestStampNamesTheContent(t *testing.T) {
	root := checkout(t, t.TempDir())
	git(t, root, "init", "-q")
	git(t, root, "add", "-A")
	git(t, root, "commit", "-q", "-m", "first")
	clean := stamp(t)
	if !strings.HasPrefix(clean, "v1 with fabric-kafka 1.2.3 (") || strings.Contains(clean, "changed") {
		t.Errorf("a clean checkout is %q", clean)
	}
	seen := map[string]string{clean: "clean"}
	change := func(what, file, text string) {
		t.Helper()
		path := filepath.Join(root, file)
		before, missing := os.ReadFile(path)
		put(t, path, text)
		got := stamp(t)
		if other, twice := seen[got]; twice {
			t.Errorf("%s has the stamp of %s: %q", what, other, got)
		}
		if !strings.Contains(got, "changed") {
			t.Errorf("%s: %q does not show that something was changed", what, got)
		}
		seen[got] = what
		if missing == nil {
			put(t, path, string(before))
		} else {
			checktest.Must(t, os.Remove(path))
		}
		if got := stamp(t); got != clean {
			t.Errorf("%s was undone, and the stamp is %q", what, got)
		}
	}
	change("a change", "plugin/plugin.go", "package plugin\n\nimport _ \""+ourModule+"/consenter\"\n\n// one\n")
	change("another change", "plugin/plugin.go", "package plugin\n\nimport _ \""+ourModule+"/consenter\"\n\n// two\n")
	change("a new file", "consenter/new.go", "package consenter\n")
	change("a new file that git ignores", "consenter/local.go", "package consenter\n")
	change("an embedded file", "consenter/kafka.yaml", "Consensus: {}\n")
	change("other modules", "go.sum", "\n")

	put(t, filepath.Join(root, "README.md"), "text")
	put(t, filepath.Join(root, "plugin", "plugin_test.go"), "package plugin\n")
	if got := stamp(t); got != clean {
		t.Errorf("the stamp is %q after a change of what is not compiled", got)
	}
}

// Without git, or in another project's repository, the version has only the digest.
func TestStampOutsideOfARepository(t *testing.T) {
	parent := t.TempDir()
	git(t, parent, "init", "-q")
	put(t, filepath.Join(parent, "file"), "x")
	git(t, parent, "add", "-A")
	git(t, parent, "commit", "-q", "-m", "other")
	root := checkout(t, parent)
	first := stamp(t)
	if !strings.Contains(first, "(unknown+") {
		t.Errorf("got %q", first)
	}
	put(t, filepath.Join(root, "consenter", "new.go"), "package consenter\n")
	if second := stamp(t); second == first {
		t.Errorf("a different plugin has the same stamp %q", second)
	}
}

// The version also shows that the copy of Fabric was changed.
func TestStampNamesAChangedTree(t *testing.T) {
	root := checkout(t, t.TempDir())
	origin := t.TempDir()
	put(t, filepath.Join(origin, "cmd", "a.go"), "package a")
	put(t, filepath.Join(origin, "docs", "a.md"), "left out")
	s := newSource("v1", origin, filepath.Join(root, ".build"), root)
	checktest.Must(t, s.materialize())
	if s.version != "v1" {
		t.Errorf("a copy is %q", s.version)
	}
	seen := map[string]bool{"v1": true}
	for _, edit := range []func(){
		func() { put(t, filepath.Join(s.tree, "cmd", "a.go"), "package b") },
		func() { put(t, filepath.Join(s.tree, "cmd", "b.go"), "package b") },
		func() { checktest.Must(t, os.Remove(filepath.Join(s.tree, "cmd", "a.go"))) },
	} {
		edit()
		again := newSource("v1", origin, filepath.Join(root, ".build"), root)
		checktest.Must(t, again.materialize())
		if seen[again.version] || !strings.HasPrefix(again.version, "v1+changed.") {
			t.Errorf("the version of a changed tree is %q", again.version)
		}
		seen[again.version] = true
	}
}

// The operator's workspace and flags are for other modules.
func TestOperatorsEnvironmentIsIgnored(t *testing.T) {
	root := checkout(t, t.TempDir())
	other := t.TempDir()
	put(t, filepath.Join(other, "go.mod"), "module other\n\ngo 1.24\n")
	put(t, filepath.Join(other, "go.work"), "go 1.24\n\nuse .\n")
	put(t, filepath.Join(other, "env"), "GOFLAGS=-mod=vendor\nGO111MODULE=off\n")
	for name, value := range map[string]string{
		"GOWORK": filepath.Join(other, "go.work"), "GOFLAGS": "-mod=vendor", "GO111MODULE": "off", "GOENV": filepath.Join(other, "env"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			p := newProject(t)
			checktest.Must(t, p.locate())
			if p.root != root || p.version != "1.2.3" {
				t.Errorf("found version %q in %s", p.version, p.root)
			}
		})
	}
}

func TestModuleErrorIsReported(t *testing.T) {
	root := checkout(t, t.TempDir())
	put(t, filepath.Join(root, "go.mod"), "nonsense\n")
	if err := newProject(t).locate(); err == nil || !strings.Contains(err.Error(), "unknown directive: nonsense") {
		t.Errorf("got %v", err)
	}
	put(t, filepath.Join(root, "go.mod"), "module example.com/other\n")
	if err := newProject(t).locate(); err == nil || !strings.Contains(err.Error(), "example.com/other") {
		t.Errorf("got %v", err)
	}
}

// go reads the module file whatever the name of its folder: of a build, and of a command in the checkout.
func TestModFileInUnusualPaths(t *testing.T) {
	for _, name := range []string{"a space", `a "quote" and more`, "a'b", "a`b", "(a)"} {
		root := checkout(t, filepath.Join(t.TempDir(), name))
		origin := t.TempDir()
		put(t, filepath.Join(origin, "go.mod"), "module "+fabricModule+"\n")
		s := newSource("v1", origin, filepath.Join(root, ".build"), root)
		checktest.Must(t, s.prepare())
		put(t, filepath.Join(root, "go.mod"), "module "+ourModule+"\n\ngo 1.24\n\nrequire "+fabricModule+" v1.0.0\n")
		for dir, files := range map[string]moduleFiles{s.module(): s.forBuilds(), root: s.forCheckout()} {
			s.files = files
			checktest.Must(t, s.writeModFile())
			got, err := newProject(t).output(dir, "go", "list", "-mod=mod", "-modfile", s.modFile(), "-m", "-f", "{{.Replace.Dir}}", fabricModule)
			checktest.Must(t, err)
			if got != s.tree {
				t.Errorf("%q: go takes Fabric from %q", name, got)
			}
		}
	}
}

// Two builds in one folder would overwrite each other's files.
func TestBuildsInOneFolderTakeTurns(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "work")
	p := newProject(t)
	unlock, err := p.lock(folder)
	checktest.Must(t, err)

	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (&project{ctx: impatient, progress: io.Discard}).lock(folder); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("two builds use the folder: %v", err)
	}
	elsewhere, err := p.lock(filepath.Join(t.TempDir(), "work"))
	checktest.Must(t, err)
	elsewhere()

	next := make(chan error)
	go func() {
		again, err := newProject(t).lock(folder)
		if err == nil {
			again()
		}
		next <- err
	}()
	unlock()
	checktest.Must(t, <-next)
}

// Each tool of --with is an existing command.
func TestTools(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, name := range tools {
		c := exec.Command("go", "list", "-f", "{{.Name}}", packageOf(name))
		c.Dir = root
		if out, err := c.Output(); err != nil || strings.TrimSpace(string(out)) != "main" {
			t.Errorf("--with %s: %s is %q, %v; want a command", name, packageOf(name), out, err)
		}
	}
}

// What is compiled does not depend on where the checkout and the folder for generated files are: neither is in the
// binary, nor are the paths that lead from one to the other.
func TestBinariesDoNotDependOnFolders(t *testing.T) {
	built := func(parent, work string) string {
		root := checkout(t, parent)
		origin := t.TempDir()
		put(t, filepath.Join(origin, "go.mod"), "module "+fabricModule+"\n\ngo 1.24\n")
		put(t, filepath.Join(origin, "cmd", "orderer", "main.go"), "package main\n\nfunc main() {}\n")
		put(t, filepath.Join(origin, filepath.FromSlash(mainFile)), hardwired)
		put(t, filepath.Join(root, "go.mod"), "module "+ourModule+"\n\ngo 1.24\n\nrequire "+fabricModule+" v1.0.0\n")
		p := newProject(t)
		checktest.Must(t, p.locate())
		if work == "" {
			work = filepath.Join(p.root, ".build")
		}
		s := newSource("v1.0.0", origin, work, p.root)
		checktest.Must(t, p.runSteps([]step{{"prepare", s.prepare}, {"patch", s.patch}}))
		out := t.TempDir()
		checktest.Must(t, p.compileOrderer(s, target{out: out}))
		text := read(t, filepath.Join(out, "orderer"))
		for _, folder := range []string{p.root, work, origin, out} {
			if strings.Contains(text, folder) {
				t.Errorf("%s is in the binary", folder)
			}
		}
		return text
	}
	first := built(t.TempDir(), "")
	for name, again := range map[string]string{"in another checkout": built(t.TempDir(), ""), "with --work outside": built(t.TempDir(), filepath.Join(t.TempDir(), "work"))} {
		if again != first {
			t.Errorf("%s the binary differs", name)
		}
	}
}

// The operator's tool shows its own commit, not that of the orderer beside it or of a Fabric tree.
func TestStampOfTheOperatorTool(t *testing.T) {
	root := checkout(t, t.TempDir())
	tool := filepath.Join(root, "network", "admin", operatorTool, "main.go")
	const main = "package main\n\nimport \"github.com/hyperledger/fabric/common/metadata\"\n\nfunc main() { print(metadata.Version, \" \", metadata.CommitSHA) }\n"
	put(t, tool, main)
	fabric := filepath.Join(root, "fabric")
	put(t, filepath.Join(fabric, "go.mod"), "module "+fabricModule+"\n\ngo 1.24\n")
	put(t, filepath.Join(fabric, "common", "metadata", "metadata.go"), "package metadata\n\nvar Version, CommitSHA = \"\", \"\"\n")
	put(t, filepath.Join(root, "go.mod"), "module "+ourModule+"\n\ngo 1.24\n\nrequire "+fabricModule+" v1.0.0\n\nreplace "+fabricModule+" => ./fabric\n")
	git(t, root, "init", "-q")
	git(t, root, "add", "-A")
	git(t, root, "commit", "-q", "-m", "first")
	says := func() string {
		p := newProject(t)
		checktest.Must(t, p.locate())
		out := t.TempDir()
		checktest.Must(t, p.compileTools(&source{version: "v2.5.16", commit: "fabrics", release: &release{}}, target{out: out}, []string{operatorTool}))
		text, err := exec.Command(filepath.Join(out, operatorTool)).CombinedOutput()
		checktest.Must(t, err)
		return string(text)
	}
	commit, err := newProject(t).output(root, "git", "rev-parse", "--short", "HEAD")
	checktest.Must(t, err)
	if got := says(); got != "1.2.3 "+commit {
		t.Errorf("it is %q, want version and commit %s of the checkout", got, commit)
	}
	put(t, tool, main+"\n// changed\n")
	if got := says(); !strings.HasPrefix(got, "1.2.3 "+commit+"+changed.") {
		t.Errorf("after a change it is %q", got)
	}
}
