package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/rle"
)

// truth is a COCO data set of nuclei.
type truth struct {
	*coco.Dataset
	masks    map[int64][]rle.Mask // of each image, by its id
	modality map[string]string    // the kind of picture that each file is: a field of this data's own
}

// readTruth reads the data set in a file.
func readTruth(file string) (*truth, error) {
	d, err := coco.OpenDataset(file, cocoeval.Segm.Fields())
	if err != nil {
		return nil, err
	}
	t := &truth{Dataset: d, masks: map[int64][]rle.Mask{}, modality: map[string]string{}}
	for i := range d.Len() {
		t.masks[d.ImageID[i]] = append(t.masks[d.ImageID[i]], d.Entry(i).Mask)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var own struct {
		Images []struct {
			FileName string `json:"file_name"`
			Modality string `json:"modality"`
		} `json:"images"`
	}
	if err := json.Unmarshal(data, &own); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, im := range own.Images {
		t.modality[im.FileName] = im.Modality
	}
	return t, nil
}
