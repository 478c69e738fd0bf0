package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/network/apache"
)

// modules are what Kafka needs of Java; its logging needs classes of java.desktop.
const modules = "java.base,java.logging,java.management,java.naming,java.security.jgss,java.security.sasl,java.sql,java.xml," +
	"java.desktop,jdk.unsupported,jdk.management,jdk.crypto.ec,jdk.zipfs"

// kept are the native libraries of those modules that a broker loads. The others draw, print and play sounds, and
// need libraries that servers do not have.
var kept = []string{"libjava.so", "libjimage.so", "libjli.so", "libjsig.so", "libjvm.so", "libverify.so", "libzip.so", "libnet.so",
	"libnio.so", "libmanagement.so", "libmanagement_ext.so", "libextnet.so", "libprefs.so", "libinstrument.so", "libj2gss.so", "librmi.so"}

const (
	javaFolder  = "/opt/java"
	kafkaFolder = "/opt/kafka"
)

// defaults are the files that Kafka's container program starts from: settings that no variable gives, and logging.
var defaults = map[string]string{
	"server.properties": "# Everything is set by variables: KAFKA_NODE_ID is node.id.\n",
	"log4j2.yaml": `Configuration:
  Appenders:
    Console:
      name: STDOUT
      target: SYSTEM_OUT
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        - ref: STDOUT
`,
	"tools-log4j2.yaml": `Configuration:
  Appenders:
    Console:
      name: STDERR
      target: SYSTEM_ERR
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDERR
`,
}

func broker(ctx context.Context, r *run, t *tree) (label, error) {
	if runtime.GOOS != "linux" || r.platform != native {
		return label{}, fmt.Errorf("the image of a broker holds this machine's Java and C library, so it is made on Linux and for this architecture only, not on %s for %s; use the image apache/kafka there",
			runtime.GOOS, r.platform)
	}
	version, err := apache.Find("")
	if err != nil {
		return label{}, err
	}
	kafka, err := apache.Install(ctx, version, filepath.Join(".build", "kafka"), r.progress)
	if err != nil {
		return label{}, err
	}
	if err := r.java(ctx, t); err != nil {
		return label{}, err
	}
	jars, err := filepath.Glob(filepath.Join(kafka.Libraries(), "*.jar"))
	if err != nil {
		return label{}, err
	}
	if err := r.goBuild(ctx, "./network/images/brokerstart", filepath.Join(t.root, "usr", "local", "bin", "brokerstart")); err != nil {
		return label{}, err
	}
	err = errors.Join(t.common(), t.folder("/etc/kafka/docker", 0o777), t.folder("/mnt/shared/config", 0o755), t.folder("/var/lib/kafka/data", 0o777), t.folder(kafkaFolder+"/config", 0o777),
		t.text("/etc/nsswitch.conf", []byte("hosts: files dns\n"), 0o644))
	for _, jar := range jars {
		err = errors.Join(err, t.copy(kafkaFolder+"/libs/"+filepath.Base(jar), jar, 0o644))
	}
	for name, text := range defaults {
		err = errors.Join(err, t.text("/etc/kafka/docker/"+name, []byte(text), 0o644))
	}
	return label{title: "Apache Kafka", version: version.Number}, err
}

// java adds a Java runtime with the modules of a broker, and the libraries that it needs.
func (r *run) java(ctx context.Context, t *tree) error {
	home := filepath.Join(t.root, javaFolder)
	if err := t.folder(filepath.Dir(javaFolder), 0o755); err != nil {
		return err
	}
	if _, err := r.output(ctx, "jlink", "--add-modules", modules, "--output", home, "--strip-debug", "--no-header-files", "--no-man-pages", "--compress=2"); err != nil {
		return fmt.Errorf("%w; the image needs a JDK with jlink, Debian's openjdk-17-jdk-headless for instance", err)
	}
	files, err := pruned(home)
	if err != nil {
		return err
	}
	l := &libraries{tree: t, folders: []string{"/lib/" + triplets[runtime.GOARCH], "/usr/lib/" + triplets[runtime.GOARCH], "/lib64", "/usr/lib64"},
		own: map[string]bool{}, copied: map[string]bool{}}
	for _, file := range files {
		l.own[filepath.Base(file)] = true
	}
	for _, file := range files {
		if err := l.add(file); err != nil {
			return err
		}
	}
	// An archive of the loaded classes halves the time to start.
	if out, err := exec.CommandContext(ctx, filepath.Join(home, "bin", "java"), "-Xshare:dump").CombinedOutput(); err != nil {
		return fmt.Errorf("java -Xshare:dump: %w\n%s", err, out)
	}
	return nil
}

// pruned removes all programs except java, and the native libraries that a broker does not load, and returns
// the files that are left of both.
func pruned(home string) ([]string, error) {
	var left []string
	err := filepath.WalkDir(home, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		program := filepath.Base(filepath.Dir(file)) == "bin"
		switch name := d.Name(); {
		case program && name == "java", slices.Contains(kept, name):
			left = append(left, file)
		case program, strings.HasSuffix(name, ".so"):
			return os.Remove(file)
		}
		return nil
	})
	return left, err
}
