//! The whole persona as a resource.

use rmcp::ErrorData;
use rmcp::model::{
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents,
};

use crate::persona::Persona;

const MARKDOWN: &str = "text/markdown";

pub(super) fn list(persona: &Persona) -> Vec<Resource> {
    vec![
        Resource::new(persona.uri(), persona.front.name.clone())
            .with_title("The whole persona")
            .with_description(persona.front.description.clone())
            .with_mime_type(MARKDOWN)
            .with_size(persona.text.len() as u64),
    ]
}

pub(super) fn read(
    persona: &Persona,
    request: &ReadResourceRequestParams,
) -> Result<ReadResourceResponse, ErrorData> {
    if request.uri != persona.uri() {
        let reason = format!(
            "there is no resource {}; there is {}",
            request.uri,
            persona.uri()
        );
        return Err(ErrorData::resource_not_found(reason, None));
    }
    let contents =
        ResourceContents::text(persona.text.clone(), persona.uri()).with_mime_type(MARKDOWN);
    Ok(ReadResourceResult::new(vec![contents]).into())
}
