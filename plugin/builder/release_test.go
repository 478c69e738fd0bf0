package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

const protos2, protos3 = "github.com/hyperledger/fabric-protos-go", "github.com/hyperledger/fabric-protos-go-apiv2"

// fabricTree writes what the builder reads of a tree of a release.
func fabricTree(t *testing.T, release, protos string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module "+fabricModule+"\n\ngo 1.26.4\n\nrequire "+protos+" v0.1.0\n")
	put(t, filepath.Join(dir, "go.sum"), "sums h1:tree=\n")
	put(t, filepath.Join(dir, "Makefile"), "FABRIC_VER ?= "+release+"\n")
	put(t, filepath.Join(dir, filepath.FromSlash(mainFile)), hardwired)
	return dir
}

func TestReadsRelease(t *testing.T) {
	for release, protos := range map[string]string{"2.5.0": protos2, "2.5.16": protos2, "3.0.0": protos3, "3.1.5": protos3, "3.2.0-beta": protos3} {
		r, err := readRelease(fabricTree(t, release, protos))
		if err != nil {
			t.Errorf("%s: %v", release, err)
			continue
		}
		if r.version != "v"+release || r.line.name != linesByProtos[protos].name {
			t.Errorf("%s: found version %q, line %q", release, r.version, r.line.name)
		}
	}
}

// The error about an unsupported tree names the tree, what was found, and the releases that are supported.
func TestRefusesOtherTrees(t *testing.T) {
	edit := func(name, text string) func(string) {
		return func(dir string) { put(t, filepath.Join(dir, name), text) }
	}
	for name, tt := range map[string]struct {
		change func(dir string)
		want   string
	}{
		"an empty folder":    {func(dir string) { checktest.Must(t, os.Remove(filepath.Join(dir, "go.mod"))) }, "found no go.mod"},
		"another module":     {edit("go.mod", "module example.com/other\n"), `found the module "example.com/other"`},
		"no module":          {edit("go.mod", "go 1.20\n"), `found the module ""`},
		"a broken go.mod":    {edit("go.mod", "nonsense\n"), "unknown directive: nonsense"},
		"no Makefile":        {func(dir string) { checktest.Must(t, os.Remove(filepath.Join(dir, "Makefile"))) }, "found no line FABRIC_VER"},
		"no release":         {edit("Makefile", "FABRIC_VER ?= latest\n"), "found no line FABRIC_VER"},
		"an older release":   {edit("Makefile", "FABRIC_VER ?= 2.4.9\n"), "found Fabric 2.4.9, which is older than 2.5"},
		"a much older one":   {edit("Makefile", "BASE_VERSION = 1.4.12\n"), "found Fabric 1.4.12, which is older than 2.5"},
		"no protos":          {edit("go.mod", "module "+fabricModule+"\n"), "requires []"},
		"protos of two":      {edit("go.mod", "module "+fabricModule+"\n\nrequire (\n\t"+protos2+" v0.1.0\n\t"+protos3+" v0.1.0\n)\n"), "requires ["},
		"protos of a future": {edit("go.mod", "module "+fabricModule+"\n\nrequire github.com/hyperledger/fabric-protos-go-apiv3 v0.1.0\n"), "requires []"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fabricTree(t, "2.5.16", protos2)
			tt.change(dir)
			_, err := readRelease(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "v2.5.0 to v2.5.16") {
				t.Errorf("got %v, want it to name %q and the releases that work", err, tt.want)
			}
		})
	}
}

// treeOf returns the source for a tree, as a build in root finds and prepares it.
func treeOf(t *testing.T, root, dir string) *source {
	t.Helper()
	t.Chdir(root)
	p := newProject(t)
	checktest.Must(t, p.locate())
	s, err := p.treeSource(dir, filepath.Join(root, ".build"))
	checktest.Must(t, err)
	checktest.Must(t, s.prepare())
	return s
}

func TestModFileForATree(t *testing.T) {
	root := checkout(t, t.TempDir())
	dir := fabricTree(t, "3.1.5", protos3)
	mod := "module " + fabricModule + "\n\ngo 1.26.4\n\nrequire " + protos3 + " v0.1.0\n\n" +
		"replace example.com/pinned => example.com/pinned v1.0.0\n\nreplace example.com/fork => ../fork\n"
	put(t, filepath.Join(dir, "go.mod"), mod)
	s := treeOf(t, root, dir)
	got := read(t, s.modFile())
	for _, want := range []string{"go 1.26.4", fabricModule + " => ../tree", "example.com/fork => " + filepath.Join(filepath.Dir(dir), "fork")} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "pinned") {
		t.Errorf("a version that the tree pins for itself is pinned for us:\n%s", got)
	}
	if sums := read(t, s.sumFile()); !strings.Contains(sums, "sums h1:tree=\n") {
		t.Errorf("the tree's sums are missing: %q", sums)
	}
	if now := read(t, filepath.Join(dir, "go.mod")); now != mod {
		t.Errorf("the tree's go.mod was changed to\n%s", now)
	}
}

// What go has completed is kept until ours or the tree's module files change.
func TestResolvesOnce(t *testing.T) {
	root := checkout(t, t.TempDir())
	dir := fabricTree(t, "2.5.16", protos2)
	s := treeOf(t, root, dir)
	if s.release.unresolved == "" {
		t.Fatal("a new module file needs nothing more")
	}
	put(t, s.modFile(), "completed")
	put(t, s.resolvedFile(), s.release.unresolved)
	if s = treeOf(t, root, dir); s.release.unresolved != "" || read(t, s.modFile()) != "completed" {
		t.Error("a completed module file was written again")
	}
	put(t, filepath.Join(dir, "go.sum"), "sums h1:other=\n")
	if s = treeOf(t, root, dir); s.release.unresolved == "" || read(t, s.modFile()) == "completed" {
		t.Error("another tree is built with the module file of the first")
	}
	if _, err := os.Stat(s.resolvedFile()); err == nil {
		t.Error("an interrupted build would consider the module file complete")
	}
}

// A tree of the same release in another folder replaces the first one.
func TestLinksToTheTreeThatIsNamed(t *testing.T) {
	root := checkout(t, t.TempDir())
	for range 2 {
		dir := fabricTree(t, "2.5.16", protos2)
		put(t, filepath.Join(dir, "mark"), dir)
		if s := treeOf(t, root, dir); read(t, filepath.Join(s.tree, "mark")) != dir {
			t.Errorf("%s is not what is compiled", dir)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	checktest.Must(t, err)
	return string(text)
}

// Git's own files are not part of the sources: the same changes give the same name, and nothing is written to a
// checkout.
func TestCommitOfAChangedCheckout(t *testing.T) {
	dir := fabricTree(t, "2.5.16", protos2)
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "sources")
	p := newProject(t)
	clean, err := p.commitOf(dir)
	checktest.Must(t, err)
	if strings.Contains(clean, "+") {
		t.Errorf("a clean checkout is %q", clean)
	}
	put(t, filepath.Join(dir, "new.go"), "package new\n")
	index := read(t, filepath.Join(dir, ".git", "index"))
	changed, err := p.commitOf(dir)
	checktest.Must(t, err)
	put(t, filepath.Join(dir, ".git", "FETCH_HEAD"), "fetched\n")
	again, err := p.commitOf(dir)
	checktest.Must(t, err)
	if !strings.HasPrefix(changed, clean+"+changed.") || again != changed {
		t.Errorf("a changed checkout is %q, and %q after a fetch", changed, again)
	}
	if read(t, filepath.Join(dir, ".git", "index")) != index {
		t.Error("git's index was written")
	}
}
