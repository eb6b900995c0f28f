package export_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/models/nuclei"
)

// A folder of images to a table, COCO results, and outlines for QuPath and labelme, as
//
//	spinemask segment … --save csv,coco,geojson,labelme
//
// makes them.
func Example() {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	folder, err := os.MkdirTemp("", "export")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	create := func(name string) *os.File {
		f, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			log.Fatal(err)
		}
		return f
	}

	results, table := create("results.json"), create("results.csv")
	run := []export.Writer{export.NewCOCO(results), export.NewCSV(table)}
	images := []string{"../testdata/images/12f89395ad5d2149.png", "../testdata/images/d35f25c8e3f7fca5.png"}
	for i, path := range images {
		photo, err := spinemask.OpenImage(path, nil)
		if err != nil {
			log.Fatal(err)
		}
		result, err := model.Segment(context.Background(), photo)
		if err != nil {
			log.Fatal(err)
		}
		name := filepath.Base(path)
		p := export.NewPicture(export.Image{ID: int64(i + 1), FileName: name, Width: result.Width, Height: result.Height}, result, nil)
		p.Photo = photo
		if err := p.Measure(); err != nil {
			log.Fatal(err)
		}
		for _, w := range run {
			if err := w.Add(p); err != nil {
				log.Fatal(err)
			}
		}
		one := func(ext string, write func(w io.Writer) error) {
			f := create(name + ext)
			if err := write(f); err != nil {
				log.Fatal(err)
			}
			if err := f.Close(); err != nil {
				log.Fatal(err)
			}
		}
		one(".geojson", func(w io.Writer) error { return export.GeoJSON(w, p, export.Annotation) })
		one(".json", func(w io.Writer) error { return export.Labelme(w, p, path) })
	}
	for _, w := range run {
		if err := w.Close(); err != nil {
			log.Fatal(err)
		}
	}
	for _, f := range []*os.File{results, table} {
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}
	written, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range written {
		fmt.Println(filepath.Base(f))
	}
	// Output:
	// 12f89395ad5d2149.png.geojson
	// 12f89395ad5d2149.png.json
	// d35f25c8e3f7fca5.png.geojson
	// d35f25c8e3f7fca5.png.json
	// results.csv
	// results.json
}
