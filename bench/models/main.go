// Command models writes model files for the scripts of bench: networks of a published size with weights of no meaning,
// whose speed and operations are those of trained ones, and the networks of the fixtures whose weights follow a formula.
//
//	models random KIND VARIANT FILE       mask_rcnn 49, retinanet mobile-49, …
//	models formula FIXTURES FOLDER        a file for each, FIXTURES being the folder of their descriptions
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/bench"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/testkit/testweights"
	"github.com/spinemask/spinemask/weights"
)

func main() {
	log.SetFlags(0)
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 4 && args[0] == "random":
		err = random(config.Model(args[1]), args[2], args[3])
	case len(args) == 3 && args[0] == "formula":
		err = formula(args[1], args[2])
	default:
		err = fmt.Errorf("usage: models random KIND VARIANT FILE, or models formula FIXTURES FOLDER")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func random(kind config.Model, variant, path string) error {
	n, err := bench.Published(kind, variant, 0)
	if err != nil {
		return err
	}
	graphs, err := network.Build(n.Config)
	if err != nil {
		return err
	}
	var tensors []weights.Tensor
	for _, t := range graphs.Tensors() {
		v, err := n.Weights.Float32(t.Name)
		if err != nil {
			return err
		}
		tensors = append(tensors, weights.NewTensor(t.Name, t.Shape, v))
	}
	f, err := weights.FromTensors(variant, tensors, nil)
	if err != nil {
		return err
	}
	return write(path, f, n.Config, weights.Provenance{Source: "weights of no meaning", System: weights.Native})
}

func formula(fixtures, folder string) error {
	for _, m := range []struct{ name, spec string }{
		{"torchvision_v1", "torchvision_maskrcnn_resnet50_fpn/v1_"},
		{"torchvision_v2", "torchvision_maskrcnn_resnet50_fpn/v2_"},
		{"detectron2_r50", "detectron2_maskrcnn_r50_fpn/full_"},
		{"tf1_spinenet49S", "tf1_spinenet49s_mrcnn/"},
	} {
		spec := fixtures + "/" + m.spec
		f, err := testweights.FromSpec(spec+"weights_spec.json", spec+"bn_stats.safetensors")
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		c, _, err := f.Config(weights.Options{})
		if err != nil {
			return err
		}
		if err := write(filepath.Join(folder, m.name+".safetensors"), f, c, weights.Provenance{Source: m.name, System: f.Report().System}); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, f *weights.File, c *config.Config, p weights.Provenance) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := weights.Convert(file, f, c, p); err != nil {
		return err
	}
	return file.Close()
}
