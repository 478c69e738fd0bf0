// Package apache prepares brokers of Apache Kafka itself (KRaft) that run as plain
// processes on the loopback interface. It fetches the jars with Maven, writes a node's
// files, and returns its command line; the caller starts and ends the processes.
package apache

import (
	"context"
	_ "embed" // the poms
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Version is a version of Apache Kafka that is known to work here.
type Version struct {
	Number string // as in 4.4.0
	java   int    // oldest Java release that it runs on
	pom    []byte
}

var (
	//go:embed pom-3.9.xml
	pom39 []byte
	//go:embed pom-4.xml
	pom4 []byte

	// Versions are the newest version, which is the default, and the last of 3.x. The
	// numbers are those in the poms.
	Versions = []Version{{"4.4.0", 17, pom4}, {"3.9.2", 11, pom39}}
)

// Find returns a version by its number or a prefix of it, or the default for "".
func Find(number string) (Version, error) {
	var known []string
	for _, v := range Versions {
		if number == "" || v.Number == number || strings.HasPrefix(v.Number, number+".") {
			return v, nil
		}
		known = append(known, v.Number)
	}
	return Version{}, fmt.Errorf("unknown version %s of Apache Kafka: want one of %s, or a prefix of it", number, strings.Join(known, ", "))
}

// Kafka is an installed version.
type Kafka struct {
	Version Version
	dir     string
}

// At returns a version that was installed below dir.
func At(dir, number string) *Kafka {
	return &Kafka{Version{Number: number}, filepath.Join(dir, number)}
}

// Install makes sure that a version is installed below dir. It needs Java and, the first
// time, Maven and its repository.
func Install(ctx context.Context, v Version, dir string, progress io.Writer) (*Kafka, error) {
	if err := checkJava(ctx, v); err != nil {
		return nil, err
	}
	k := &Kafka{v, filepath.Join(dir, v.Number)}
	if _, err := os.Stat(k.libs()); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(progress, "fetch Apache Kafka %s into %s\n", v.Number, k.dir)
		if err := k.fetch(ctx); err != nil {
			return nil, fmt.Errorf("fetch Apache Kafka %s: %w", v.Number, err)
		}
	} else if err != nil {
		return nil, err
	}
	return k, k.archive(ctx, progress)
}

// Libraries returns the folder of the jars.
func (k *Kafka) Libraries() string { return k.libs() }

func (k *Kafka) libs() string { return filepath.Join(k.dir, "libs") }

const remedy = "install a JDK of %d or later and Maven (Debian: apt-get install openjdk-17-jdk-headless maven), or use the embedded broker"

var javaVersion = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

func checkJava(ctx context.Context, v Version) error {
	out, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("version %s of Apache Kafka needs Java: %w; "+remedy, v.Number, err, v.java)
	}
	match := javaVersion.FindStringSubmatch(string(out))
	if match == nil {
		return fmt.Errorf("the output of java -version has no version: %q", strings.TrimSpace(string(out)))
	}
	if major, _ := strconv.Atoi(match[1]); major < v.java { // digits, by the pattern
		return fmt.Errorf("version %s of Apache Kafka needs Java %d or later, this is %d; "+remedy, v.Number, v.java, major, v.java)
	}
	return nil
}

// copyDependencies is the Maven goal that copies all jars of a pom into a folder.
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// fetch has Maven copy the jars into a temporary folder, and moves them into place
// once all are there.
func (k *Kafka) fetch(ctx context.Context) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return fmt.Errorf("%w; "+remedy, err, k.Version.java)
	}
	if err := os.MkdirAll(filepath.Dir(k.dir), 0o755); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(filepath.Dir(k.dir), "partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := os.WriteFile(filepath.Join(partial, "pom.xml"), k.Version.pom, 0o644); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "mvn", "-q", "-B", "-Dmaven.repo.local="+filepath.Join(partial, "repository"),
		copyDependencies, "-DincludeScope=runtime", "-DoutputDirectory=libs")
	c.Dir = partial
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(partial, "libs"), k.libs()); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
