// Command images builds container images: of the orderer, of a broker of Apache Kafka and, where no registry
// can be reached, of what else networks in containers need.
//
//	go run ./network/images [orderer] [broker] [peer] [chaincode] [busybox] [ca]
//
// It writes each image's content into a folder with modes and no links to the host, and has the engine
// pack it. Nothing runs while an image is built, so images for other platforms need no emulation.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	r := &run{progress: os.Stderr}
	c := &cobra.Command{
		Use:           "images [" + strings.Join(names(), "] [") + "]",
		Short:         "Build container images; without arguments, those of the orderer and of a broker",
		Example:       "  go run ./network/images orderer --platform linux/arm64 --base debian:12-slim",
		SilenceUsage:  true,
		SilenceErrors: true,
		ValidArgs:     names(),
		Args:          cobra.OnlyValidArgs,
		RunE: func(c *cobra.Command, wanted []string) error {
			if len(wanted) == 0 {
				wanted = []string{"orderer", "broker"}
			}
			return r.all(c.Context(), wanted)
		},
	}
	engine := cmp.Or(os.Getenv("CONTAINER_CLI"), "docker")
	c.Flags().StringVar(&r.engine, "engine", engine, "docker or podman (default: $CONTAINER_CLI, else docker); none writes only the folders")
	c.Flags().StringVar(&r.platform, "platform", "", "OS/ARCHITECTURE, for instance linux/arm64 (default: linux, and this machine's architecture)")
	c.Flags().StringVar(&r.base, "base", "scratch", "image that the images of the orderer and of the peer are built from")
	c.Flags().StringVar(&r.fabric, "fabric", "", "source tree of a Fabric release to build orderer and peer from (default: the module that go.mod requires)")
	c.Flags().StringVar(&r.fabricCA, "fabric-ca", "", "source tree of a Fabric CA release to build the image ca from")
	c.Flags().StringVar(&r.repository, "repository", "fabric-kafka", "what precedes the images' names: fabric-kafka gives fabric-kafka/orderer")
	c.Flags().StringVar(&r.work, "work", filepath.Join(".build", "images"), "folder for the images' content")
	c.Flags().BoolVar(&r.sbom, "sbom", false, "list the modules in the orderer's binary as CycloneDX, in the image and beside it")
	return c
}
