// Command remake makes everything again that depends on the weights of the
// built-in model, from a file of weights, whose network is that of its own config or the present one's: the native file,
// the tables of its model card, and the picture of the README. Run it in the
// root of the repository:
//
//	go run ./models/nuclei/remake -weights model.safetensors -images DIR -truth instances_val.json
//
// With -score FILE it only prints, as JSON, what a model scores at every display threshold, of the images as they are or changed by -change, each as a whole or,
// with -closer, as "spinemask segment" shows them. With -mean A,B it only writes the mean of the weights of model files to standard output.
// Without -weights it keeps the weights of the native file and makes the rest,
// its config included: the same tensors give the same bytes.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/weights"
)

const (
	native  = "models/nuclei/nuclei.safetensors"
	card    = "models/nuclei/MODEL_CARD.md"
	picture = "docs/nuclei.png"
	example = "testdata/images/547ef286ee5f4e5d.png" // the picture's photo
)

func main() {
	log.SetFlags(0)
	source := flag.String("weights", "", "weights of the model, under any names that package weights reads")
	images := flag.String("images", "", "folder of the validation images")
	truth := flag.String("truth", "", "their annotations, COCO JSON with a modality for each image")
	display := flag.Float64("display", 0, "score from which a detection is shown; 0 keeps the present one")
	mask := flag.Float64("mask", 0, "probability above which a pixel belongs to a mask; 0 keeps the present one")
	side := flag.Int("tile", 0, "side of tiles to begin with, pixels; 0 keeps the present one")
	closer := flag.Bool("closer", false, "from now on, images larger than the input are looked at closer where nothing else is asked for; with -score, they are")
	score := flag.String("score", "", "model `file` whose DSB score at every display threshold is printed, and nothing made")
	change := flag.String("change", "", "with -score: what the images are made before: negative, or dark (0.3 times their values)")
	averaged := flag.String("mean", "", "a list of model `files`, of whose weights the mean is written to standard output, and nothing made")
	flag.Parse()
	if *averaged != "" {
		if err := mean(os.Stdout, strings.Split(*averaged, ",")); err != nil {
			log.Fatal("remake: ", err)
		}
		return
	}
	if *images == "" || *truth == "" || *change != "" && *score == "" {
		flag.Usage()
		os.Exit(2)
	}
	if *score != "" {
		if err := choose(os.Stdout, *score, *images, *truth, *change, *closer); err != nil {
			log.Fatal("remake: ", err)
		}
		return
	}
	if err := remake(*source, *images, *truth, *display, *mask, *side, *closer); err != nil {
		log.Fatal("remake: ", err)
	}
}

func remake(source, images, truth string, display, mask float64, side int, closer bool) error {
	if err := convert(source, truth, display, mask, side, closer); err != nil {
		return err
	}
	m, err := spinemask.Open(native, &spinemask.Options{Raw: true})
	if err != nil {
		return err
	}
	defer m.Close()
	tables, err := evaluate(m, images, truth)
	if err != nil {
		return err
	}
	if tables["shown"], err = compareShowings(m, images, truth); err != nil {
		return err
	}
	if err := updateCard(tables); err != nil {
		return err
	}
	return drawExample(m)
}

// convert writes the native file anew, with the size of the nuclei in the truth and the
// config of the present one, but for the network of a source that says its own.
func convert(source, truth string, display, mask float64, side int, closer bool) error {
	c, p, err := present()
	if err != nil {
		return err
	}
	f, err := weights.Open(cmp.Or(source, native))
	if err != nil {
		return err
	}
	defer f.Close()
	if source != "" && f.Metadata()["config"] != "" {
		own, _, err := f.Config(weights.Options{})
		if err != nil {
			return err
		}
		for _, name := range config.BlockTables() {
			if named := (config.Backbone{BlockTable: name}); reflect.DeepEqual(named.Table(), own.Backbone.Blocks) {
				own.Backbone.BlockTable, own.Backbone.Blocks = name, nil
			}
		}
		own.Name, own.Detections, own.Masks, own.Objects = c.Name, c.Detections, c.Masks, c.Objects
		c = own
	}
	if c.Objects == nil {
		c.Objects = new(config.Objects)
	}
	if c.Objects.Diameter, err = diameter(&c.Input, truth); err != nil {
		return err
	}
	if side > 0 {
		c.Objects.Tile = side
	}
	c.Objects.LookCloser = c.Objects.LookCloser || closer
	if mask > 0 {
		c.Masks.Threshold = mask
	}
	if display > 0 {
		c.Detections.DisplayThreshold = display
	}
	if source != "" {
		if p, err = provenance(f, source); err != nil {
			return err
		}
		if f, err = halved(f); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := weights.Convert(&out, f, c, p); err != nil {
		return err
	}
	return os.WriteFile(native, out.Bytes(), 0o644)
}

// provenance says where the weights of a file are from: for those of a run of training,
// which run it was and the hash of its data.
func provenance(f *weights.File, file string) (p weights.Provenance, err error) {
	p = weights.Provenance{Source: filepath.Base(file), System: weights.TF1, Licence: "CC0-1.0"}
	if text := f.Metadata()["provenance"]; text != "" {
		var run weights.Provenance
		if err := json.Unmarshal([]byte(text), &run); err != nil {
			return p, fmt.Errorf("%s: provenance: %w", file, err)
		}
		p.Source, p.System = fmt.Sprintf("%s; data %s", run.Source, run.SHA256), run.System
	}
	p.SHA256, err = f.SHA256()
	return p, err
}

// halved rounds weights to float16, but for the statistics of norms.
func halved(f *weights.File) (*weights.File, error) {
	var list []weights.Tensor
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		if !strings.HasSuffix(name, "/mean") && !strings.HasSuffix(name, "/variance") {
			var err error
			if t, err = t.Half(); err != nil {
				return nil, err
			}
		}
		list = append(list, t)
	}
	return weights.FromTensors("nuclei", list, nil)
}

// present gives the config of the native file and where its weights are from.
func present() (c *config.Config, p weights.Provenance, err error) {
	f, err := weights.Open(native)
	if err != nil {
		return nil, p, err
	}
	defer f.Close()
	if err := json.Unmarshal([]byte(f.Metadata()["provenance"]), &p); err != nil {
		return nil, p, err
	}
	c, _, err = f.Config(weights.Options{})
	return c, p, err
}

// drawExample makes the README's picture.
func drawExample(m *spinemask.Model) error {
	img, err := imageio.Open(example, imageio.Options{})
	if err != nil {
		return err
	}
	r, err := m.Segment(context.Background(), img)
	if err != nil {
		return err
	}
	var shown []overlay.Instance
	for _, in := range r.Instances {
		if float64(in.Score) >= m.Config().Detections.DisplayThreshold {
			shown = append(shown, overlay.Instance{Mask: in.Mask, Label: in.Name, Score: in.Score})
		}
	}
	drawn, err := overlay.Draw(img, shown)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, drawn); err != nil {
		return err
	}
	return os.WriteFile(picture, out.Bytes(), 0o644)
}

// updateCard replaces what stands between the markers of each table.
func updateCard(tables map[string]string) error {
	text, err := os.ReadFile(card)
	if err != nil {
		return err
	}
	for name, table := range tables {
		begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- end -->")
		from := bytes.Index(text, begin)
		if from < 0 {
			return fmt.Errorf("%s: no marker %q", card, "<!-- "+name+" -->")
		}
		from += len(begin)
		to := bytes.Index(text[from:], end)
		if to < 0 {
			return fmt.Errorf("%s: no end of %q", card, name)
		}
		text = bytes.Join([][]byte{text[:from], []byte(table), text[from+to:]}, nil)
	}
	return os.WriteFile(card, text, 0o644)
}
