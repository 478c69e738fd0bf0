// Command brokerstart starts a broker of Apache Kafka in a container. As in Apache's own image, Kafka's
// container program makes server.properties from the variables KAFKA_..., or from files in /mnt/shared/config, and formats
// the storage with CLUSTER_ID. Then the broker replaces this process.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

const (
	java   = "/opt/java/bin/java"
	config = "/opt/kafka/config"
)

// common are the arguments of every Java here.
var common = []string{"-cp", "/opt/kafka/libs/*"}

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "brokerstart:", err)
		os.Exit(1)
	}
}

func start() error {
	if err := prepare(); err != nil {
		return err
	}
	heap := cmp.Or(os.Getenv("KAFKA_HEAP_OPTS"), "-Xms128m -Xmx256m")
	performance := cmp.Or(os.Getenv("KAFKA_JVM_PERFORMANCE_OPTS"), "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
	args := append([]string{java}, strings.Fields(heap+" "+performance+" "+os.Getenv("KAFKA_OPTS"))...)
	args = append(append(args, "-Dlog4j2.configurationFile="+config+"/log4j2.yaml"), common...)
	return syscall.Exec(java, append(args, "kafka.Kafka", config+"/server.properties"), os.Environ())
}

// prepare writes the settings and formats the storage. A container that is started again has its storage: Kafka's
// program then fails after it has written the settings.
func prepare() error {
	args := append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dlog4j2.configurationFile=/etc/kafka/docker/tools-log4j2.yaml"}, common...)
	out, err := exec.Command(java, append(args, "kafka.docker.KafkaDockerWrapper", "setup", "--default-configs-dir", "/etc/kafka/docker",
		"--mounted-configs-dir", "/mnt/shared/config", "--final-configs-dir", config)...).CombinedOutput()
	if err == nil || bytes.Contains(out, []byte("already formatted")) {
		return nil
	}
	return errors.Join(fmt.Errorf("kafka.docker.KafkaDockerWrapper: %w", err), errors.New(string(bytes.TrimSpace(out))))
}
