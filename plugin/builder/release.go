package main

import (
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/mod/modfile"
)

// line is a range of Fabric releases that our code compiles against in the same way.
type line struct {
	name string
	tags []string // the build tags that select our files for it
}

// The lines, by the module of Fabric's protocol messages, which distinguishes them.
var linesByProtos = map[string]line{
	"github.com/hyperledger/fabric-protos-go":       {name: "2.5"},
	"github.com/hyperledger/fabric-protos-go-apiv2": {name: "3", tags: []string{"fabric3"}},
}

// oldest is the oldest release that has channel participation, which joins channels of our type.
var oldest = [2]int{2, 5}

// supported describes, in errors, the trees that can be built.
const supported = "expected a checkout or an unpacked source archive of Fabric 2.5.x or 3.x (hyperledger/fabric, tags v2.5.0 to v2.5.16 and v3.0.0 to v3.1.5 are known to work)"

// release is a source tree of Fabric that the user names.
type release struct {
	dir     string
	version string // such as v2.5.16
	line    line
	mod     *modfile.File

	unresolved string // digest of the module files that go still has to complete; empty once it has
}

// readRelease finds out from a tree's own files which release it is.
func readRelease(dir string) (*release, error) {
	file := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: found no go.mod; %s", dir, supported)
	} else if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(file, text, nil)
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, supported)
	}
	if mod.Module == nil || mod.Module.Mod.Path != fabricModule {
		return nil, fmt.Errorf("%s: found the module %q; %s", dir, moduleName(mod), supported)
	}
	r := &release{dir: dir, mod: mod}
	if r.version, err = releaseVersion(dir); err != nil {
		return nil, err
	}
	if r.line, err = r.findLine(); err != nil {
		return nil, err
	}
	return r, nil
}

func moduleName(mod *modfile.File) string {
	if mod.Module == nil {
		return ""
	}
	return mod.Module.Mod.Path
}

var (
	makefileVersion = regexp.MustCompile(`(?m)^(?:FABRIC_VER|BASE_VERSION)\s*\??=\s*v?([0-9]\S*)`)
	releaseNumber   = regexp.MustCompile(`^([0-9]+)\.([0-9]+)\.`)
)

// releaseVersion reads the release from the tree's Makefile, the one file that names it.
func releaseVersion(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "Makefile"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	m := makefileVersion.FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s: found no line FABRIC_VER in its Makefile; %s", dir, supported)
	}
	found := string(m[1])
	n := releaseNumber.FindStringSubmatch(found)
	if n == nil {
		return "", fmt.Errorf("%s: found the release %q; %s", dir, found, supported)
	}
	major, minor := number(n[1]), number(n[2])
	if major < oldest[0] || major == oldest[0] && minor < oldest[1] {
		return "", fmt.Errorf("%s: found Fabric %s, which is older than %d.%d; %s", dir, found, oldest[0], oldest[1], supported)
	}
	return "v" + found, nil
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // the pattern has digits only; a number too large for an int is not a release
	return n
}

// findLine finds the line by the one module of protocol messages that the tree requires.
func (r *release) findLine() (line, error) {
	var found []string
	for _, req := range r.mod.Require {
		if _, ok := linesByProtos[req.Mod.Path]; ok && !req.Indirect {
			found = append(found, req.Mod.Path)
		}
	}
	if len(found) != 1 {
		return line{}, fmt.Errorf("%s: its go.mod requires %q, where one module of Fabric's protocol messages was expected; %s", r.dir, found, supported)
	}
	return linesByProtos[found[0]], nil
}

// goVersion returns the newer of our go directive and the tree's: a main module may not be older than
// what it requires.
func (r *release) goVersion(ours string) string {
	if r.mod.Go == nil || version.Compare("go"+ours, "go"+r.mod.Go.Version) >= 0 {
		return ours
	}
	return r.mod.Go.Version
}

// replacements returns the tree's replace directives that name a folder or another module, with folders
// made absolute. One that only pins a version is for the tree's own build: our go.mod may need a newer
// one.
func (r *release) replacements() []*modfile.Replace {
	var kept []*modfile.Replace
	for _, old := range r.mod.Replace {
		now := *old
		switch {
		case modfile.IsDirectoryPath(now.New.Path) && !filepath.IsAbs(now.New.Path):
			now.New.Path = filepath.Join(r.dir, now.New.Path)
		case now.New.Path == now.Old.Path:
			continue
		}
		kept = append(kept, &now)
	}
	return kept
}

// vendored reports whether the tree vendors its modules.
func (r *release) vendored() bool {
	_, err := os.Stat(filepath.Join(r.dir, "vendor", "modules.txt"))
	return err == nil
}

// commitOf returns the commit that a tree was checked out at, with a digest of the content if that is not committed.
func (p *project) commitOf(dir string) (string, error) {
	commit, err := p.committed(dir)
	if err != nil {
		commit = "unknown+" // an archive
	} else if changes, err := p.output(dir, "git", "status", "--porcelain", "--untracked-files=all"); err != nil || changes != "" {
		commit += "+changed."
	} else {
		return commit, nil
	}
	digest, err := digestOfTree(dir)
	return commit + digest, err
}
