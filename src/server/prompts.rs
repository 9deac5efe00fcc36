//! The persona and its four modes as prompts.

use std::collections::BTreeMap;

use rmcp::ErrorData;
use rmcp::model::{
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt as McpPrompt,
    PromptArgument, PromptMessage, Role,
};

use crate::persona::{Persona, Prompt};

pub(super) fn list(persona: &Persona, prompts: &[Prompt]) -> Vec<McpPrompt> {
    let whole = McpPrompt::new(
        persona.front.name.clone(),
        Some(persona.front.description.clone()),
        None,
    )
    .with_title("The whole persona");
    let modes = prompts.iter().map(|prompt| {
        let arguments = prompt
            .arguments
            .iter()
            .map(|argument| {
                PromptArgument::new(&argument.name)
                    .with_description(&argument.description)
                    .with_required(argument.required)
            })
            .collect();
        McpPrompt::new(
            prompt.name,
            Some(prompt.description.clone()),
            Some(arguments),
        )
        .with_title(&prompt.title)
    });
    std::iter::once(whole).chain(modes).collect()
}

pub(super) fn get(
    persona: &Persona,
    prompts: &[Prompt],
    request: &GetPromptRequestParams,
) -> Result<GetPromptResponse, ErrorData> {
    if request.name == persona.front.name {
        let message = PromptMessage::new_text(Role::User, persona.text.clone());
        return Ok(GetPromptResult::new(vec![message]).into());
    }
    let prompt = prompts
        .iter()
        .find(|prompt| prompt.name == request.name)
        .ok_or_else(|| {
            let known: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
            let reason = format!(
                "no prompt is called \"{}\"; there are {}, {}",
                request.name,
                persona.front.name,
                known.join(", ")
            );
            ErrorData::invalid_params(reason, None)
        })?;
    let values: BTreeMap<String, String> = request
        .arguments
        .iter()
        .flatten()
        .map(|(name, value)| {
            (
                name.clone(),
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        })
        .collect();
    let text = prompt
        .fill(&values)
        .map_err(|reason| ErrorData::invalid_params(reason, None))?;
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
}
