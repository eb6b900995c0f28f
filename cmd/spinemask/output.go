package main

import (
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/export"
	"github.com/spinemask/spinemask/internal/imageio"
	"github.com/spinemask/spinemask/internal/overlay"
)

// Names in the output folder.
const (
	resultsFile   = "results.json"
	imagesFile    = "images.json"
	overlayFolder = "overlay"
)

// output is what a run writes.
type output struct {
	flags     *segmentFlags
	file      *export.File // of the results; nil: not wanted
	coco      *export.COCO
	run       export.Run
	instances int
}

// begin makes the output folder and sees whether it can be written to, before any work is done.
func (f *segmentFlags) begin(jobs []job) (*output, error) {
	out := &output{flags: f, run: export.Run{Images: []export.Image{}, Failures: []export.Failure{}}}
	file, err := export.Create(f.path(resultsFile))
	if err != nil {
		return nil, err
	}
	out.file, out.coco = file, export.NewCOCO(file)
	return out, nil
}

// add writes what was found in an image.
func (o *output) add(j job, photo *imageio.Image, r *spinemask.Result) error {
	if o.flags.saves(saveOverlay) {
		if err := drawOverlay(j.overlay, photo, r); err != nil {
			return err
		}
	}
	im := export.Image{ID: j.id, FileName: j.name, Width: r.Width, Height: r.Height}
	o.run.Images = append(o.run.Images, im)
	o.instances += len(r.Instances)
	return o.coco.Add(im, r)
}

func (o *output) fail(j job, err error) {
	o.run.Failures = append(o.run.Failures, export.Failure{FileName: j.name, Error: err.Error()})
}

// finish gives the files their names.
func (o *output) finish() error {
	if o.flags.saves(saveCOCO) {
		if err := o.coco.Close(); err != nil {
			o.discard()
			return err
		}
		if err := o.file.Commit(); err != nil {
			return err
		}
	} else {
		o.discard()
	}
	images, err := export.Create(o.flags.path(imagesFile))
	if err != nil {
		return err
	}
	if err := o.run.Write(images); err != nil {
		images.Discard()
		return err
	}
	return images.Commit()
}

func (o *output) discard() { o.file.Discard() }

func drawOverlay(file string, photo *imageio.Image, r *spinemask.Result) error {
	instances := make([]overlay.Instance, len(r.Instances))
	for i, in := range r.Instances {
		instances[i] = overlay.Instance{Mask: in.Mask, Label: in.Name, Score: in.Score}
	}
	picture, err := overlay.Draw(photo, instances)
	if err != nil {
		return err
	}
	f, err := export.Create(file)
	if err != nil {
		return err
	}
	// The fastest level: files are a sixth larger, and drawing is not the longest part of a run.
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, picture); err != nil {
		f.Discard()
		return err
	}
	return f.Commit()
}

// annotatedIDs looks up the ids of images in a COCO data set: by their names in the run, or by the last part of them.
func annotatedIDs(file string, names []string) ([]int64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, reason(file, err)
	}
	var set struct {
		Images []struct {
			ID       int64  `json:"id"`
			FileName string `json:"file_name"`
		} `json:"images"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	byName := map[string]int64{}
	for _, im := range set.Images {
		byName[im.FileName] = im.ID
	}
	ids := make([]int64, len(names))
	for i, name := range names {
		id, ok := byName[name]
		if !ok {
			id, ok = byName[path.Base(name)]
		}
		if !ok {
			return nil, fmt.Errorf("%s: no image %q", file, name)
		}
		ids[i] = id
	}
	return ids, nil
}
