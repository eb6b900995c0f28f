// Command network runs the network of a model file on a picture and writes the inputs and outputs of its parts, for onnx_check.py to compare with other runtimes.
// Regions of interest are cut out of the finest map.
//
// usage: network MODEL PICTURE HEIGHTxWIDTH FOLDER
//
// FOLDER/index.json lists the parts as export names them, and of each the values with their shapes, N×C×H×W; their numbers are float32, little-endian, in FOLDER/PART.NAME.
// FOLDER/PART.NAME.nudged are outputs of an input that is other in its last bits: how far they lie away is what rounding does to the network.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/classifier"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/weights"
)

// rows of the heads' inputs.
const rows = 5

type value struct {
	Name   string `json:"name"`
	Shape  [4]int `json:"shape"` // N, C, H, W
	data   []float32
	nudged []float32 // of an output
}

type part struct {
	Name    string  `json:"name"`
	Inputs  []value `json:"inputs"`
	Outputs []value `json:"outputs"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 5 {
		log.Fatal("usage: network MODEL PICTURE HEIGHTxWIDTH FOLDER")
	}
	var h, w int
	if _, err := fmt.Sscanf(os.Args[3], "%dx%d", &h, &w); err != nil {
		log.Fatalf("size %q: %v", os.Args[3], err)
	}
	if err := run(os.Args[1], os.Args[2], h, w, os.Args[4]); err != nil {
		log.Fatal(err)
	}
}

func run(model, picture string, h, w int, folder string) error {
	f, err := weights.Open(model)
	if err != nil {
		return err
	}
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	if err != nil {
		return err
	}
	if c.Input.HasSize() {
		c.Input.Height, c.Input.Width = h, w
	}
	n, err := network.Build(c)
	if err != nil {
		return err
	}
	in, err := photo(c, picture, h, w)
	if err != nil {
		return err
	}
	var parts []part
	for i, p := range n.Parts(c, h, w, rows, rows) {
		if p.Graph == n.Classifier {
			if err := classify(f, c, &parts[0], p.Graph); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			in = cuts(parts[0].Outputs[0], p.Height)
		}
		out, err := forward(p.Graph, fileWeights{f}, in)
		if err != nil {
			return err
		}
		parts = append(parts, part{[]string{"trunk", "box_head", "mask_head"}[i], []value{in}, out})
	}
	return write(folder, parts)
}

// photo is the network's input of a picture that is fitted into h×w pixels.
func photo(c *config.Config, file string, h, w int) (value, error) {
	img, err := imageio.Open(file, imageio.Options{})
	if err != nil {
		return value{}, err
	}
	fixed := c.Input
	fixed.Fit, fixed.Height, fixed.Width, fixed.PadMultiple = config.FitFixedSize, h, w, 1
	g, err := preprocess.Fit(&fixed, img.Height, img.Width)
	if err != nil {
		return value{}, err
	}
	m := engine.Map{Data: make([]float32, 3*h*w), RowStride: 3 * w, Channels: 3}
	r := preprocess.NewResizer(&fixed)
	r.Start(g, img.Pix)
	r.Rows(m.Data, m.RowStride, 0, h, new(preprocess.Scratch))
	return read("image", [4]int{1, 3, h, w}, &m), nil
}

// cuts are squares of a map, beside each other, as regions of interest.
func cuts(from value, side int) value {
	c, h, w := from.Shape[1], from.Shape[2], from.Shape[3]
	v := value{Name: "features", Shape: [4]int{rows, c, side, side}}
	for row := range rows {
		for ch := range c {
			for y := range side {
				at := (ch*h+y+row*(h-side)/rows)*w + row*(w-side)/rows
				v.data = append(v.data, from.data[at:at+side]...)
			}
		}
	}
	return v
}

// forward runs a graph as the toolkit does by default, and again with every value of the input moved by up to 2^-22 of it.
func forward(g *graph.Graph, w engine.Weights, in value) ([]value, error) {
	out, err := compute(g, w, in)
	if err != nil {
		return nil, err
	}
	nudged := in
	nudged.data = make([]float32, len(in.data))
	r := rand.New(rand.NewPCG(1, 2))
	for i, v := range in.data {
		nudged.data[i] = v + v*(2*r.Float32()-1)/(1<<22)
	}
	again, err := compute(g, w, nudged)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].nudged = again[i].data
	}
	return out, nil
}

func compute(g *graph.Graph, w engine.Weights, in value) ([]value, error) {
	h, wide := in.Shape[2], in.Shape[3]
	prepared, err := engine.Prepare(g, w, engine.Options{Height: h, Width: wide, Threads: 2})
	if err != nil {
		return nil, err
	}
	plan, err := prepared.Plan(h, wide, in.Shape[0])
	if err != nil {
		return nil, err
	}
	ws := plan.NewWorkspace(parallel.NewTeam(2), new(engine.Arena))
	m := ws.Input(in.Name)
	turn(&in, &m, func(theirs, ours *float32) { *ours = *theirs })
	if err := ws.Run(context.Background(), in.Shape[0]); err != nil {
		return nil, err
	}
	var list []value
	for _, o := range g.Outputs() {
		m := ws.Output(o.Name)
		list = append(list, read(o.Name, [4]int{in.Shape[0], m.Channels, m.Height, m.Width}, &m))
	}
	return list, nil
}

// read turns a map into N×C×H×W.
func read(name string, shape [4]int, m *engine.Map) value {
	v := value{Name: name, Shape: shape, data: make([]float32, shape[0]*shape[1]*shape[2]*shape[3])}
	turn(&v, m, func(theirs, ours *float32) { *theirs = *ours })
	return v
}

// turn visits the values of N×C×H×W and those of a map.
func turn(v *value, m *engine.Map, do func(theirs, ours *float32)) {
	i := 0
	for n := range v.Shape[0] {
		for c := range v.Shape[1] {
			for y := range v.Shape[2] {
				for x := range v.Shape[3] {
					do(&v.data[i], &m.Pixel(n, y, x)[c])
					i++
				}
			}
		}
	}
}

// classify adds the logits, which the file of the trunk has, too.
func classify(f *weights.File, c *config.Config, trunk *part, head *graph.Graph) error {
	var maps []classifier.Map
	for _, o := range trunk.Outputs {
		m := classifier.Map{Channels: o.Shape[1], Height: o.Shape[2], Width: o.Shape[3], RowStride: o.Shape[3] * o.Shape[1], Data: make([]float32, len(o.data))}
		turn(&o, &engine.Map{Data: m.Data, Channels: m.Channels, RowStride: m.RowStride}, func(theirs, ours *float32) { *ours = *theirs })
		maps = append(maps, m)
	}
	in := value{Name: "features", Shape: [4]int{1, head.Channels(0), 1, 1}, data: make([]float32, head.Channels(0))}
	classifier.NewPooler(c).Pool(in.data, maps)
	out, err := forward(head, fileWeights{f}, in)
	trunk.Outputs = append(trunk.Outputs, out...)
	return err
}

func write(folder string, parts []part) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, p := range parts {
		for _, v := range append(p.Inputs, p.Outputs...) {
			name := filepath.Join(folder, p.Name+"."+v.Name)
			if err := errors.Join(writeFloats(name, v.data), writeFloats(name+".nudged", v.nudged)); err != nil {
				return err
			}
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "index.json"), text, 0o666)
}

func writeFloats(name string, data []float32) error {
	b := make([]byte, 0, 4*len(data))
	for _, x := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return os.WriteFile(name, b, 0o666)
}

// fileWeights gives a file's tensors to the compiler.
type fileWeights struct{ *weights.File }

func (w fileWeights) Float32(name string) ([]float32, error) {
	t, ok := w.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t.Float32(nil)
}
