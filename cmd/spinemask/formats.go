package main

import (
	"fmt"
	"image/png"
	"io"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/overlay"
)

// A format is something that --save knows: one file for the run, or for each image a file, or a folder of files.
type format struct {
	name, help string

	file   string // for the run
	writer func(w io.Writer, h *journal.Header) export.Writer

	folder   string // for images
	ext      string // of an image's file
	image    func(w io.Writer, p *export.Picture, s site) error
	instance func(w io.Writer, p *export.Picture, i int) error // a file for each instance, in a folder of the image
	photo    bool                                              // the image's pixels are needed
}

// A site is what a file of an image needs to know of its surroundings.
type site struct {
	source     string // the image, as seen from the folder of the file
	categories []export.Category
}

// reportFormat needs a thumbnail of each image, which the journal keeps.
const reportFormat = "report"

var formats = []format{
	{name: "coco", help: "COCO results: a box, a score and a mask (RLE) for each instance", file: "results.json",
		writer: func(w io.Writer, _ *journal.Header) export.Writer { return export.NewCOCO(w) }},
	{name: "overlay", help: "a picture of each image with the instances drawn on it", folder: "overlay", ext: ".png", image: drawOverlay, photo: true},
	{name: reportFormat, help: "one HTML page: pictures with outlines, tables, histograms, how it was made", file: "report.html",
		writer: func(w io.Writer, h *journal.Header) export.Writer { return export.NewReport(w, h.Info, h.Categories) }},
	{name: "jsonl", help: "a line of JSON for each image", file: "results.jsonl",
		writer: func(w io.Writer, _ *journal.Header) export.Writer { return export.NewJSONL(w) }},
	{name: "csv", help: "a table with a row for each instance: class, score, box, area, centre, diameter", file: "results.csv",
		writer: func(w io.Writer, _ *journal.Header) export.Writer { return export.NewCSV(w) }},
	{name: "dataset", help: "a COCO data set with polygons, as if people had annotated it", file: "dataset.json",
		writer: func(w io.Writer, h *journal.Header) export.Writer {
			return export.NewDataset(w, h.Info, h.Categories)
		}},
	{name: "labelme", help: "for each image a file of the annotation tool labelme", folder: "labelme", ext: ".json",
		image: func(w io.Writer, p *export.Picture, s site) error { return export.Labelme(w, p, s.source) }},
	{name: "yolo", help: "for each image a label file of YOLO's segmentation", folder: "labels", ext: ".txt",
		image: func(w io.Writer, p *export.Picture, s site) error { return export.YOLO(w, p, s.categories) }},
	{name: "geojson", help: "for each image outlines that QuPath opens", folder: "geojson", ext: ".geojson",
		image: func(w io.Writer, p *export.Picture, _ site) error { return export.GeoJSON(w, p) }},
	{name: "masks", help: "for each image a 16-bit PNG, in which k is the k-th instance", folder: "masks", ext: ".png",
		image: func(w io.Writer, p *export.Picture, _ site) error { return export.InstanceMap(w, p) }},
	{name: "cutouts", help: "each instance as a PNG, transparent around it", folder: "cutouts", instance: export.CutOut, photo: true},
	{name: "crops", help: "the box of each instance as a PNG", folder: "crops", instance: export.Crop, photo: true},
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
		where := f.file
		if where == "" {
			where = f.folder + "/"
		}
		fmt.Fprintf(&b, "  %-8s %-14s %s\n", f.name, where, f.help)
	}
	return b.String()
}

func drawOverlay(w io.Writer, p *export.Picture, _ site) error {
	picture, err := overlay.Draw(p.Photo, drawn(p))
	if err != nil {
		return err
	}
	// The fastest level: files are a sixth larger, and drawing is not the longest part of a run.
	return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, picture)
}

// drawn are the instances as package overlay takes them.
func drawn(p *export.Picture) []overlay.Instance {
	instances := make([]overlay.Instance, len(p.Instances))
	for i, in := range p.Instances {
		instances[i] = overlay.Instance{Mask: in.Mask, Label: in.Name, Score: in.Score}
	}
	return instances
}

// stems gives the names of images' files, without an extension: those of the images without theirs, but where two would be the same. Upper and lower case are
// the same, as some file systems have it.
func stems(names []string) map[string]string {
	count := map[string]int{}
	for _, n := range names {
		count[strings.ToLower(stem(n))]++
	}
	out := make(map[string]string, len(names))
	for _, n := range names {
		out[n] = stem(n)
		if count[strings.ToLower(stem(n))] > 1 {
			out[n] = n // a.jpg and a.png
		}
	}
	return out
}
