package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spinemask/spinemask"
)

// classWriter writes the classes of images.
type classWriter interface {
	add(item) error
	close() error
}

func newClassWriter(w io.Writer, format string) classWriter {
	switch format {
	case formatJSONL:
		return classLines{json.NewEncoder(w)}
	case formatCSV:
		table := csv.NewWriter(w)
		table.Write([]string{"image_id", "file_name", "place", "category_id", "category", "score"}) // its error comes again from close
		return classTable{table}
	}
	return classText{w}
}

// classText is for people: an image's name, and below it a class a line. Failures are on stderr.
type classText struct{ w io.Writer }

func (c classText) add(it item) error {
	if it.err != nil {
		return nil
	}
	if _, err := fmt.Fprintln(c.w, it.name); err != nil {
		return err
	}
	for _, k := range it.classes {
		if _, err := fmt.Fprintf(c.w, "  %6.2f%%  %s\n", 100*k.Score, k.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c classText) close() error { return nil }

// classLines has a line of JSON for each image; scores are exact:
//
//	{"id":1,"file_name":"a.png","width":640,"height":480,"classes":[{"category_id":282,"category":"tabby","score":0.61},…]}
//	{"id":2,"file_name":"b.png","error":"…"}
type classLines struct{ e *json.Encoder }

type classLine struct {
	ID       int64       `json:"id"`
	FileName string      `json:"file_name"`
	Width    int         `json:"width,omitempty"`
	Height   int         `json:"height,omitempty"`
	Classes  []classJSON `json:"classes,omitempty"`
	Error    string      `json:"error,omitempty"`
}

type classJSON struct {
	Category int     `json:"category_id"`
	Name     string  `json:"category"`
	Score    float32 `json:"score"`
}

func (c classLines) add(it item) error {
	line := classLine{ID: it.id, FileName: it.name, Width: it.width, Height: it.height}
	if it.err != nil {
		line = classLine{ID: it.id, FileName: it.name, Error: it.err.Error()}
	}
	for _, k := range it.classes {
		line.Classes = append(line.Classes, classJSON{k.Category, k.Name, k.Score})
	}
	return c.e.Encode(line)
}

func (c classLines) close() error { return nil }

// classTable has a row for each class of each image; place counts them from 1. Images that failed are on stderr.
type classTable struct{ w *csv.Writer }

func (c classTable) add(it item) error {
	for i, k := range it.classes {
		if err := c.w.Write(c.row(it, i+1, k)); err != nil {
			return err
		}
	}
	return nil
}

func (c classTable) row(it item, place int, k spinemask.Class) []string {
	score := strconv.FormatFloat(float64(k.Score), 'g', -1, 32)
	return []string{strconv.FormatInt(it.id, 10), it.name, strconv.Itoa(place), strconv.Itoa(k.Category), k.Name, score}
}

func (c classTable) close() error {
	c.w.Flush()
	return c.w.Error()
}
