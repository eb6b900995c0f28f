package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/overlay"
)

// A format is something that --save knows: one file for the run, or for each image a file, or a folder of files.
type format struct {
	name, help string

	files []runFile // for the run

	folder   string // for images
	ext      string // of an image's file
	image    func(w io.Writer, p *export.Picture, s site) error
	instance func(w io.Writer, p *export.Picture, i int) error // a file for each instance, in a folder of the image
	photo    bool                                              // the image's pixels are needed
	masks    bool                                              // instances need masks
	largeExt string                                            // in place of ext, for a picture that isLarge; "": the same
	turns    string                                            // the reader that turns images upright by itself; "": readers do not
}

// A runFile is a file about all images of a run.
type runFile struct {
	name   string
	writer func(w io.Writer, h *journal.Header) export.Writer
}

// A site is what a file of an image needs to know of its surroundings.
type site struct {
	source     string // the image, as seen from the folder of the file
	categories []export.Category
	objects    string // of GeoJSON
}

// reportFormat needs a thumbnail of each image, which the journal keeps.
const reportFormat = "report"

// labelmeFormat holds the pixels of pictures that are parts of files, if those are at hand.
const labelmeFormat = "labelme"

// geoJSONFormat has objects of one of two kinds, which --objects chooses.
const geoJSONFormat = "geojson"

// yoloFormat has a list of its classes and links to the images beside its labels.
const yoloFormat = "yolo"

var formats = []format{
	{name: "coco", help: "COCO results: a box, a score and a mask (RLE) for each instance", files: []runFile{
		{"results.json", func(w io.Writer, _ *journal.Header) export.Writer { return export.NewCOCO(w) }}}},
	{name: "overlay", help: "a picture of each image with the instances drawn on it", folder: "overlay", ext: ".png", photo: true,
		image: func(w io.Writer, p *export.Picture, _ site) error { return export.Overlay(w, p) }},
	{name: reportFormat, help: "one HTML page: pictures with outlines, tables, histograms, how it was made", files: []runFile{
		{"report.html", func(w io.Writer, h *journal.Header) export.Writer { return export.NewReport(w, h.Info, h.Categories) }}}},
	{name: "jsonl", help: "a line of JSON for each image", files: []runFile{
		{"results.jsonl", func(w io.Writer, _ *journal.Header) export.Writer { return export.NewJSONL(w) }}}},
	{name: "csv", help: "a table with a row for each instance; images.csv has one for each image", files: []runFile{
		{"results.csv", func(w io.Writer, _ *journal.Header) export.Writer { return export.NewCSV(w) }},
		{"images.csv", func(w io.Writer, h *journal.Header) export.Writer { return export.NewImagesCSV(w, keptCategories(h)) }}}},
	{name: "dataset", help: "a COCO data set with polygons, as if people had annotated it", files: []runFile{
		{"dataset.json", func(w io.Writer, h *journal.Header) export.Writer { return export.NewDataset(w, h.Info, h.Categories) }}}},
	{name: labelmeFormat, help: "for each image a file of the annotation tool labelme", folder: "labelme", ext: ".json", turns: "labelme",
		image: func(w io.Writer, p *export.Picture, s site) error { return export.Labelme(w, p, s.source) }, masks: true},
	{name: yoloFormat, help: "for each image a label file of YOLO's segmentation; labels.yaml for ultralytics", folder: "labels", ext: ".txt", turns: "ultralytics",
		image: func(w io.Writer, p *export.Picture, s site) error { return export.YOLO(w, p, s.categories) }, masks: true},
	{name: geoJSONFormat, help: "for each image outlines that QuPath opens", folder: "geojson", ext: ".geojson",
		image: func(w io.Writer, p *export.Picture, s site) error { return export.GeoJSON(w, p, s.objects) }, masks: true},
	{name: "masks", help: "for each image a PNG of 16 bits, in which k is the k-th instance", folder: "masks", ext: ".png", largeExt: ".tif",
		image: writeLabels, masks: true},
	{name: "cutouts", help: "each instance as a PNG, transparent around it", folder: "cutouts", instance: export.CutOut, photo: true, masks: true},
	{name: "crops", help: "the box of each instance as a PNG", folder: "crops", instance: export.Crop, photo: true},
}

// writeLabels writes a label image of 16 bits, or of 32 where those do not suffice.
func writeLabels(w io.Writer, p *export.Picture, _ site) error {
	if isLarge(p) {
		return export.InstanceTIFF(w, p)
	}
	return export.InstanceMap(w, p)
}

// isLarge says whether a picture has more instances than formats with a largeExt can hold in their usual files.
func isLarge(p *export.Picture) bool { return len(p.Instances) > export.MaxPNGInstances }

// keptCategories are the classes of which a run keeps instances.
func keptCategories(h *journal.Header) []export.Category {
	if len(h.Info.Classes) == 0 {
		return h.Categories
	}
	var list []export.Category
	for _, k := range h.Categories {
		if slices.ContainsFunc(h.Info.Classes, func(name string) bool { return strings.EqualFold(name, k.Name) }) {
			list = append(list, k)
		}
	}
	return list
}

// findFormats gives the formats by their names, in the order of the table.
func findFormats(names []string) ([]format, error) {
	var list []format
	for _, name := range names {
		if !slices.ContainsFunc(formats, func(f format) bool { return f.name == name }) {
			err := fmt.Errorf("--save %q: want %s", name, formatNames())
			if near := nearest(name, strings.Split(formatNames(), ", ")); near != "" {
				return nil, hinted{err, "did you mean " + near + "?"}
			}
			return nil, err
		}
	}
	for _, f := range formats {
		if slices.Contains(names, f.name) {
			list = append(list, f)
		}
	}
	return list, nil
}

// needMasks says which of some formats want masks that a model does not make.
func needMasks(list []format) error {
	var names, others []string
	for _, f := range list {
		if f.masks {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	for _, f := range formats {
		if !f.masks {
			others = append(others, f.name)
		}
	}
	err := fmt.Errorf("--save %s: want masks, and the model makes boxes alone", strings.Join(names, ","))
	return hinted{err, "without masks there are " + strings.Join(others, ", ")}
}

func formatNames() string { return strings.Join(namesIn(formats), ", ") }

func namesIn(list []format) []string {
	names := []string{}
	for _, f := range list {
		names = append(names, f.name)
	}
	return names
}

// formatHelp is the table of --help.
func formatHelp() string {
	var b strings.Builder
	for _, f := range formats {
		where := f.folder + "/"
		if len(f.files) > 0 {
			where = f.files[0].name
		}
		fmt.Fprintf(&b, "  %-8s %-14s %s\n", f.name, where, f.help)
	}
	return b.String()
}

// objectsFlag is about GeoJSON.
func objectsFlag(fl *pflag.FlagSet, objects *string) {
	fl.StringVar(objects, "objects", export.Detection, "what QuPath takes the outlines of geojson for: `detection|annotation`")
}

func checkObjects(objects string) error {
	if objects != export.Detection && objects != export.Annotation {
		return fmt.Errorf("--objects %q: want %s, %s", objects, export.Detection, export.Annotation)
	}
	return nil
}

// recordedObjects is what a run's record says of them: nothing where it does not matter.
func recordedObjects(objects string, list []format) string {
	if objects == export.Detection || !slices.ContainsFunc(list, func(f format) bool { return f.name == geoJSONFormat }) {
		return ""
	}
	return objects
}

// checkTurned refuses formats whose readers turn images upright, for results of images as they are stored: they would lie beside what is shown.
func checkTurned(save []string, asStored bool) error {
	for _, f := range formats {
		if asStored && f.turns != "" && slices.Contains(save, f.name) {
			return hinted{fmt.Errorf("--save %s with --exif off: %s turns images upright by itself, results of images as they are stored would not fit", f.name, f.turns), "leave one of them away"}
		}
	}
	return nil
}

// drawn are the instances as package overlay takes them.
func drawn(p *export.Picture) []overlay.Instance {
	instances := make([]overlay.Instance, len(p.Instances))
	for i, in := range p.Instances {
		instances[i] = overlay.Instance{Mask: in.Mask, Box: in.Box, Label: in.Name, Score: in.Score}
	}
	return instances
}

// stems gives the names of images' files, without an extension: those of the images without theirs, but where two would be the same. Upper and lower case are
// the same, as some file systems have it.
func stems(names []string) map[string]string {
	out := make(map[string]string, len(names))
	for _, n := range names {
		out[n] = stem(n)
	}
	for changed := true; changed; { // a.jpg and a.png are called so, and then a.jpg.png is, too
		changed = false
		count := map[string]int{}
		for _, n := range names {
			count[strings.ToLower(out[n])]++
		}
		for _, n := range names {
			if out[n] != n && count[strings.ToLower(out[n])] > 1 {
				out[n], changed = n, true
			}
		}
	}
	return out
}
