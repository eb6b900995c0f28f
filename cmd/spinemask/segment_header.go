package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// header says how the results of this run are made. --fast counts where it has an effect: a run that goes on on another machine is not to mix the two.
func (f *segmentFlags) header(model *spinemask.Model, list []format) (journal.Header, error) {
	sum, err := model.SHA256()
	h := journal.Header{
		Info: export.Info{
			Description: "results of spinemask", Version: version(), Model: model.Config().Name, ModelSHA256: sum,
			MinScore: f.score, NMSIoU: f.nms, MaxDetections: f.max, Classes: f.classes, AsStored: f.exif == exifOff, Fast: f.fast && kernels.Best().HasSplit(),
			Objects: recordedObjects(f.objects, list), NoOverlap: f.noOverlap,
			Scale: f.scale, Tile: f.cut.Size, TileOverlap: f.cut.Overlap, Diameter: f.diameter, PixelSize: f.pixelSize,
		},
		Config:     digest(model.Config()),
		Categories: export.Categories(model.Config()),
		Save:       namesIn(list),
		Upright:    f.upright,
	}
	if f.annotations != "" {
		h.Annotations = absolute(f.annotations)
	}
	f.pictureFlags.describe(&h.Info)
	return h, err
}

// digest stands for all that a config says, of which flags about foreign files are a part. What the header says by itself is left out.
func digest(c *config.Config) string {
	rest := *c
	rest.Detections.NMSIoU, rest.Detections.Max = 0, 0
	data, err := json.Marshal(&rest)
	if err != nil {
		panic("a config that JSON cannot hold")
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// adopt takes the options that the command line does not give from the run in the output folder, if that is to go on.
func (f *segmentFlags) adopt(flags *pflag.FlagSet) error {
	if f.onExisting != existingSkip || f.out == "-" {
		return nil
	}
	j, err := journal.Read(filepath.Join(f.out, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		if f.resume {
			return hinted{fmt.Errorf("%s holds no run that could go on", f.out), "leave --resume away"}
		}
		return nil
	}
	if err != nil {
		return err
	}
	h := j.Header()
	j.Close()
	if !flags.Changed("save") {
		f.save = h.Save
	}
	for _, name := range j.Formats() { // what merge added goes on, too
		if !slices.Contains(h.Save, name) && !slices.Contains(f.save, name) {
			f.save = append(slices.Clone(f.save), name)
		}
	}
	if !flags.Changed("score") {
		f.score, f.scoreGiven = h.Info.MinScore, true
	}
	if !flags.Changed("nms") {
		f.nms = h.Info.NMSIoU
	}
	if !flags.Changed("max-detections") {
		f.max = h.Info.MaxDetections
	}
	if !flags.Changed("class") {
		f.classes = h.Info.Classes
	}
	if !slices.ContainsFunc(append(showingNames, "overlap"), flags.Changed) {
		f.showingFlags.adopt(h.Info)
	}
	if !flags.Changed("pixel-size") {
		f.pixelSize = h.Info.PixelSize
	}
	if !flags.Changed("fast") {
		f.fast = h.Info.Fast
	}
	if !flags.Changed("exif") && h.Info.AsStored {
		f.exif = exifOff
	}
	if !flags.Changed("no-overlap") {
		f.noOverlap = h.Info.NoOverlap
	}
	if !flags.Changed("objects") && h.Info.Objects != "" {
		f.objects = h.Info.Objects
	}
	if !flags.Changed("annotations") {
		if f.annotations = h.Annotations; f.annotations != "" && !exists(f.annotations) {
			return hinted{fmt.Errorf("%s: the run in %s has its ids from there, and it is gone", f.annotations, f.out), "--annotations FILE says where it is now; --annotations= goes on without"}
		}
	}
	return f.pictureFlags.adopt(flags, &h.Info)
}

// difference says in what two runs are made differently.
func difference(was, is journal.Header) string {
	is.Format = was.Format
	fields := func(h journal.Header) map[string]string {
		out := map[string]string{}
		for name, part := range map[string]any{"": h.Info, "--save": imageFiles(h.Save), "config": h.Config, "categories": h.Categories, "--exif": cmp.Or(h.Upright, exifAuto)} {
			data, _ := json.Marshal(part)
			values := map[string]json.RawMessage{name: data}
			if name == "" {
				delete(values, "")
				json.Unmarshal(data, &values)
			}
			for k, v := range values {
				out[k] = string(v)
			}
		}
		return out
	}
	a, b := fields(was), fields(is)
	var list []string
	for k := range a {
		list = append(list, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	var text []string
	for _, k := range list {
		if a[k] != b[k] {
			text = append(text, fmt.Sprintf("%s %s, not %s", k, orNone(a[k]), orNone(b[k])))
		}
	}
	return strings.Join(text, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
