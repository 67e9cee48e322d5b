//! The blocks of code of the guide, `docs/supabase.md`.

use std::fs;

use anyhow::{Context, Result};
use xtask::workspace;

pub struct Guide {
    pub text: String,
}

/// A block with its language, and what it holds.
pub struct Block {
    pub language: String,
    pub text: String,
}

impl Guide {
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(workspace::root().join("docs/supabase.md"))?;
        Ok(Self { text })
    }

    /// In their order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        // Every other part is inside of a fence.
        for block in self.text.split("```").skip(1).step_by(2) {
            if let Some((language, text)) = block.split_once('\n') {
                blocks.push(Block {
                    language: language.to_owned(),
                    text: text.to_owned(),
                });
            }
        }
        blocks
    }

    /// Every line of a shell.
    pub fn commands(&self) -> Vec<String> {
        let blocks = self.blocks();
        let shell = blocks.iter().filter(|block| block.language == "sh");
        shell.flat_map(Block::commands).collect()
    }

    /// From a heading to the next.
    pub fn section(&self, heading: &str) -> Result<&str> {
        let (_, rest) = self
            .text
            .split_once(&format!("\n## {heading}\n"))
            .with_context(|| format!("the guide has no section {heading}"))?;
        Ok(rest.split("\n## ").next().unwrap_or_default())
    }
}

impl Block {
    pub fn commands(&self) -> Vec<String> {
        let lines = self.text.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }
}
