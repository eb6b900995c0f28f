// Command changes writes the recipes of runs that differ from one recipe in one thing each. Run it in the root of the repository:
//
//	go run ./models/nuclei/remake/changes -recipe recipe.json -changes changes.json -steps 375 -to DIR
//
// changes.json is an object: the names of the runs, and of each the fields of the recipe that have another value in it, with the
// objects that they are in. DIR gets a file NAME.json for each, whose names are printed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spinemask/spinemask/train"
)

func main() {
	log.SetFlags(0)
	recipe := flag.String("recipe", "", "recipe that the others differ from")
	changes := flag.String("changes", "", "what differs, JSON")
	steps := flag.Int("steps", 0, "number of steps of all; 0 keeps the recipe's")
	to := flag.String("to", "", "folder to write")
	flag.Parse()
	if *recipe == "" || *changes == "" || *to == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*recipe, *changes, *steps, *to); err != nil {
		log.Fatal("changes: ", err)
	}
}

func write(recipe, changes string, steps int, to string) error {
	base, err := os.ReadFile(recipe)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(changes)
	if err != nil {
		return err
	}
	var list map[string]json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("%s: %w", changes, err)
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		r, err := changed(base, list[name])
		if err != nil {
			return fmt.Errorf("%s: %s: %w", changes, name, err)
		}
		r.Name = "nuclei-" + name
		if steps > 0 {
			r.Steps = steps
		}
		out, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name+".json"), append(out, '\n'), 0o666); err != nil {
			return err
		}
		fmt.Println(name)
	}
	return nil
}

// changed is a recipe with other values of some fields; objects are changed field by field.
func changed(recipe, change []byte) (*train.Recipe, error) {
	var merged map[string]any
	if err := json.Unmarshal(recipe, &merged); err != nil {
		return nil, err
	}
	var other map[string]any
	if err := json.Unmarshal(change, &other); err != nil {
		return nil, err
	}
	merge(merged, other)
	text, err := json.Marshal(merged)
	if err != nil {
		return nil, err
	}
	return train.ParseRecipe(text)
}

func merge(into, from map[string]any) {
	for k, v := range from {
		inner, is := v.(map[string]any)
		if old, was := into[k].(map[string]any); is && was {
			merge(old, inner)
			continue
		}
		into[k] = v
	}
}
